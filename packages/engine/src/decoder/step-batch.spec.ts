import { embeddingKey, laneId } from '@tessera/domain';
import { createAdmittedSequence, createVisualRequest, decodeChunk, knownChunk, pageIds } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import type { EmbeddingTable } from './embedding-table.js';
import { Lane } from './lane.js';
import { StagedEmbeddings } from './staged-embeddings.js';
import { type BatchSources, createStepBatch } from './step-batch.js';

const [lane0, lane1] = [0, 1].map(laneId);
const text = {
  hiddenSize: 2,
  headDim: 6,
  ropeTheta: 10_000,
  mropeSections: [1, 1, 1],
} as unknown as BatchSources['text'];

/** Embeds token n as [n, −n] and row r of the picture as [100 + r, 0]. */
function createSources(): BatchSources {
  const embeddings = { row: (id: number) => Float32Array.of(id, -id) } as unknown as EmbeddingTable;
  const staged = new StagedEmbeddings(2);
  const data = Float32Array.of(100, 0, 101, 0, 102, 0, 103, 0);
  staged.stage({ embeddingKey: embeddingKey('picture'), numTokens: 4, data });
  return { text, embeddings, staged };
}

/** The angle that a table was made from, one a row and axis. */
function anglesOf({ cos, sin }: { cos: Float32Array; sin: Float32Array }, numRows: number): number[][] {
  return Array.from({ length: numRows }, (_, row) =>
    [0, 1, 2].map((axis) => Math.atan2(sin[3 * row + axis], cos[3 * row + axis]) * 10_000 ** (axis / 3)),
  );
}

describe('createStepBatch', () => {
  test('lays out the rows of all chunks one after the other', () => {
    const first = new Lane(createAdmittedSequence({ tokenIds: Int32Array.of(1, 2, 3, 4) }));
    const second = new Lane(
      createAdmittedSequence({ tokenIds: Int32Array.of(5, 6, 7), pages: pageIds(3), numCached: 1 }),
    );
    first.pages.push(...pageIds(8));
    const chunks = [knownChunk(lane0, 3), knownChunk(lane1, 2)];
    const batch = createStepBatch(
      [
        { chunk: chunks[0], lane: first, numTokens: 3 },
        { chunk: chunks[1], lane: second, numTokens: 2 },
      ],
      createSources(),
    );
    expect(batch.numRows).toBe(5);
    expect(batch.spans).toEqual([
      { firstRow: 0, numRows: 3, firstPosition: 0, pages: [8] },
      { firstRow: 3, numRows: 2, firstPosition: 1, pages: [3] },
    ]);
    expect(batch.chunks.map(({ chunk }) => chunk)).toEqual(chunks);
    expect(batch.chunks.map(({ span }) => span)).toEqual(batch.spans);
    expect([...batch.inputEmbeds]).toEqual([1, -1, 2, -2, 3, -3, 6, -6, 7, -7]);
    expect(batch.cos.length).toBe(15);
  });

  test('puts the picture’s rows where its placeholders are, and turns by its positions', () => {
    const { tokenIds, positions } = createVisualRequest(['picture']);
    const visuals = [{ embeddingKey: embeddingKey('picture'), offset: 2, length: 4 }];
    const lane = new Lane(createAdmittedSequence({ tokenIds, positions, visuals }));
    lane.advance(1);
    const batch = createStepBatch([{ chunk: knownChunk(lane0, 6), lane, numTokens: 6 }], createSources());
    expect([...batch.inputEmbeds]).toEqual([2, -2, 100, 0, 101, 0, 102, 0, 103, 0, 3, -3]);
    const expected = [
      [1, 1, 1],
      [2, 2, 2],
      [2, 2, 3],
      [2, 3, 2],
      [2, 3, 3],
      [4, 4, 4],
    ];
    const angles = anglesOf(batch, 6);
    // The first axis turns by a radian a position, and comes round at 2π.
    for (const [row, ids] of expected.entries()) {
      expect(angles[row][0]).toBeCloseTo(ids[0] > Math.PI ? ids[0] - 2 * Math.PI : ids[0], 4);
      for (const axis of [1, 2]) expect(angles[row][axis]).toBeCloseTo(ids[axis], 3);
    }
  });

  test('embeds the token that was sampled last', () => {
    const lane = new Lane(createAdmittedSequence());
    lane.advance(3);
    lane.append(42);
    const batch = createStepBatch([{ chunk: decodeChunk(lane0), lane, numTokens: 1 }], createSources());
    expect([...batch.inputEmbeds]).toEqual([42, -42]);
    expect(batch.chunks[0].span).toMatchObject({ numRows: 1, firstPosition: 3 });
  });

  test('never drops a picture that is not staged', () => {
    const visuals = [{ embeddingKey: embeddingKey('other'), offset: 0, length: 2 }];
    const lane = new Lane(createAdmittedSequence({ visuals }));
    const create = () => createStepBatch([{ chunk: knownChunk(lane0, 3), lane, numTokens: 3 }], createSources());
    expect(create).toThrow('Row 0 of embedding other is not staged.');
  });
});
