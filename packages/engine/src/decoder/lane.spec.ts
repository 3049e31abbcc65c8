import { createAdmittedSequence, createVisualSegment, pageIds, positionsOf } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { Lane } from './lane.js';

describe('Lane', () => {
  test('begins with all of its tokens to compute and none of its output', () => {
    const lane = new Lane(createAdmittedSequence({ tokenIds: Int32Array.of(5, 6, 5) }));
    expect(lane).toMatchObject({ numTokens: 3, numComputed: 0, numOutputTokens: 0, pages: [] });
    expect([lane.tokenAt(0), lane.tokenAt(2)]).toEqual([5, 5]);
    expect(lane.promptIds).toEqual(new Set([5, 6]));
  });

  test('begins behind a cached prefix, on its pages', () => {
    const lane = new Lane(createAdmittedSequence({ numCached: 2, pages: pageIds(7) }));
    expect(lane).toMatchObject({ numComputed: 2, pages: [7] });
  });

  test('counts resumed tokens as output, not as prompt', () => {
    const lane = new Lane(createAdmittedSequence({ tokenIds: Int32Array.of(1, 2, 3, 3, 1), numPromptTokens: 2 }));
    expect(lane.numOutputTokens).toBe(3);
    expect(lane.promptIds).toEqual(new Set([1, 2]));
    expect(lane.outputCounts).toEqual(
      new Map([
        [3, 2],
        [1, 1],
      ]),
    );
  });

  test('appends output and counts it', () => {
    const lane = new Lane(createAdmittedSequence());
    for (const tokenId of [8, 9, 8]) lane.append(tokenId);
    lane.advance(4);
    expect(lane).toMatchObject({ numTokens: 6, numComputed: 4, numOutputTokens: 3 });
    expect(lane.tokenAt(5)).toBe(8);
    expect(lane.outputCounts.get(8)).toBe(2);
  });

  test('leaves the plan that it came from alone', () => {
    const admitted = createAdmittedSequence({ numCached: 1, pages: pageIds(3) });
    const lane = new Lane(admitted);
    lane.pages.push(...pageIds(4));
    lane.append(9);
    expect(admitted).toMatchObject({ pages: [3], tokenIds: Int32Array.of(1, 2, 3) });
  });

  test('takes the prompt’s positions, then counts on from the next one on every axis', () => {
    const positions = positionsOf([{ kind: 'text', offset: 0, length: 1 }, createVisualSegment({ offset: 1 })]);
    const tokenIds = Int32Array.of(1, 9, 9, 9, 9, 2, 3);
    const lane = new Lane(createAdmittedSequence({ tokenIds, numPromptTokens: 5, positions }));
    expect([0, 1, 4, 5, 6, 9].map((index) => lane.positionAt(index))).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [1, 2, 2],
      [3, 3, 3],
      [4, 4, 4],
      [7, 7, 7],
    ]);
  });
});
