import { blockHash, embeddingKey, type MropePositions, type Request } from '@tessera/domain';
import { createRequest, createVisualRequest, createVisualSegment } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { hashBlock } from './hash-block.js';
import { prefixHashesOf } from './prefix-hashes-of.js';
import { rootHash } from './root-hash.js';

const pageLen = 4;
const salt = { modelRevision: 'revision', tenant: 'tenant', salt: 'salt' };
const root = rootHash(salt);

/** Tokens 2 … 5, 7 … 10 and 12 … 15 are the visuals a, b and c; 19 tokens, four full pages. */
const request = extend(createVisualRequest(['a', 'b', 'c']), [4, 5]);

function extend(prompt: Request, tokenIds: readonly number[]): Request {
  const last = prompt.segments[prompt.segments.length - 1];
  return createRequest({
    tokenIds: Int32Array.from([...prompt.tokenIds, ...tokenIds]),
    segments: [...prompt.segments.slice(0, -1), { ...last, length: last.length + tokenIds.length }],
  });
}

function blocksOf(prompt: Pick<Request, 'tokenIds' | 'segments' | 'positions'>, from = root): readonly string[] {
  return prefixHashesOf(prompt, from, pageLen).blocks;
}

function withPosition(axis: 'temporal' | 'height' | 'width', index: number): Request {
  const positions: MropePositions = { ...request.positions, [axis]: request.positions[axis].with(index, 99) };
  return { ...request, positions };
}

function withKey(mediaIndex: number): Request {
  const segments = request.segments.map((segment) =>
    segment.kind !== 'text' && segment.mediaIndex === mediaIndex
      ? { ...segment, embeddingKey: embeddingKey('other') }
      : segment,
  );
  return { ...request, segments };
}

describe('the hashes of a prompt', () => {
  test('are one a full page, 256 bits each, all different', () => {
    const { blocks, ...rest } = prefixHashesOf(request, root, pageLen);
    expect(rest).toEqual({ pageLen, root });
    expect(request.tokenIds).toHaveLength(19);
    expect(blocks).toHaveLength(4);
    expect(new Set(blocks).size).toBe(4);
    for (const hash of blocks) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('are none for less than a page', () => {
    expect(blocksOf(createRequest({ tokenIds: Int32Array.of(1, 2, 3) }))).toEqual([]);
  });

  for (const [title, changed, firstChanged] of [
    ['the first token', { ...request, tokenIds: request.tokenIds.with(0, 77) }, 0],
    ['a token in the second page', { ...request, tokenIds: request.tokenIds.with(6, 77) }, 1],
    ['a token behind the last full page', { ...request, tokenIds: request.tokenIds.with(18, 77) }, 4],
    ['the first visual', withKey(0), 0],
    ['the second visual', withKey(1), 1],
    ['the last visual', withKey(2), 3],
    ['a time step', withPosition('temporal', 5), 1],
    ['a row', withPosition('height', 9), 2],
    ['a column', withPosition('width', 13), 3],
  ] as const) {
    test(`change with ${title} from its page on, and not before`, () => {
      const [before, after] = [blocksOf(request), blocksOf(changed)];
      for (const [i, hash] of before.entries()) {
        if (i < firstChanged) expect(after[i]).toBe(hash);
        else expect(after[i]).not.toBe(hash);
      }
    });
  }

  for (const [title, changed] of Object.entries({
    'model revision': { ...salt, modelRevision: 'other' },
    tenant: { ...salt, tenant: 'other' },
    salt: { ...salt, salt: 'other' },
    'border between tenant and salt': { ...salt, tenant: 'tenants', salt: 'alt' },
  })) {
    test(`all change with the ${title}`, () => {
      const other = blocksOf(request, rootHash(changed));
      for (const [i, hash] of blocksOf(request).entries()) expect(other[i]).not.toBe(hash);
    });
  }

  test('tell apart which rows of a visual are in a page', () => {
    const visual = createVisualSegment({ length: 8 });
    const tokens = Int32Array.of(9, 9, 9, 9);
    const flat = Int32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1);
    const positions = { temporal: flat, height: flat, width: flat, next: 2 };
    const [first, second] = [0, 1].map((offset) =>
      hashBlock(root, { positions, segments: [{ ...visual, offset }] }, 4, tokens),
    );
    expect(first).not.toBe(second);
  });

  test('tell a visual from text of the same tokens', () => {
    const text = [{ kind: 'text', offset: 0, length: 19 }] as const;
    expect(blocksOf({ ...request, segments: text })[0]).not.toBe(blocksOf(request)[0]);
  });

  test('refuse positions that are not those of the tokens', () => {
    const { positions } = createRequest({ tokenIds: Int32Array.of(1, 2, 3) });
    expect(() => blocksOf({ ...request, positions })).toThrow('The prompt has 19 tokens and positions for 3.');
  });
});

describe('the hash of a page', () => {
  test('is the one of these bytes', () => {
    const { segments, positions } = createVisualRequest(['key']);
    const hash = hashBlock(blockHash('0f'.repeat(32)), { segments, positions }, 4, [9, 9, 3, 1000]);
    expect(hash).toBe('eb8942489095a61766d110ad7dd775e47577459b1d96ff88df35d860a43b6ab1');
  });

  test('does not depend on whether the page was generated or came as a prompt', () => {
    for (const prompt of [createVisualRequest(['a']), createRequest({ tokenIds: Int32Array.of(1, 2, 3, 4, 5) })]) {
      const generated = [11, 12, 13, 14, 15, 16, 17, 18];
      const expected = blocksOf(extend(prompt, generated));
      const tokenIds = [...prompt.tokenIds, ...generated];
      const blocks: string[] = [];
      for (let begin = 0; begin + pageLen <= tokenIds.length; begin += pageLen) {
        const parent = blockHash(blocks.at(-1) ?? root);
        blocks.push(hashBlock(parent, prompt, begin, tokenIds.slice(begin, begin + pageLen)));
      }
      expect(blocks).toEqual(expected);
    }
  });

  test('knows of a visual before the page through its parent alone', () => {
    const { positions, segments } = createVisualRequest(['a']);
    const text = [{ kind: 'text', offset: 0, length: 7 }] as const;
    const tokenIds = [3, 4, 5, 6];
    expect(hashBlock(root, { positions, segments }, 6, tokenIds)).toBe(
      hashBlock(root, { positions, segments: text }, 6, tokenIds),
    );
  });

  for (const parent of ['', 'ab', 'xy'.repeat(32), '00'.repeat(33)]) {
    test(`refuses the parent "${parent.slice(0, 4)}" of ${parent.length} digits`, () => {
      expect(() => hashBlock(blockHash(parent), request, 0, [1, 2, 3, 4])).toThrow(/64 hexadecimal digits/);
    });
  }
});

test('32 768 tokens with 20 visuals are hashed with few looks at the segments', () => {
  const long = extend(createVisualRequest(Array.from({ length: 20 }, (_, i) => `v${i}`)), new Array(32_666).fill(7));
  expect(long.tokenIds).toHaveLength(32_768);
  let numLooks = 0;
  const segments = new Proxy(long.segments, {
    get: (target, name) => {
      if (name !== 'length') numLooks++;
      return Reflect.get(target, name);
    },
  });
  const { blocks } = prefixHashesOf({ ...long, segments }, root, 16);
  expect(new Set(blocks).size).toBe(2048);
  expect(numLooks).toBeLessThan(2048 * 10);
});
