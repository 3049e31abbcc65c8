import type { SampledToken } from '@tessera/domain';
import { describe, expect, it } from 'vitest';
import { tinyProcessor } from '../testing/tiny-processor.js';
import { AnswerAssembler, type AnswerOptions } from './answer-assembler.js';

const { tokenizer } = tinyProcessor;
const stopToken = tinyProcessor.generation.eosTokenIds[0]!;
const defaults: AnswerOptions = { stopStrings: [], stopTokenIds: [stopToken], minTokens: 0, skipSpecialTokens: true };

/** Text and log-probability entries shown after each token, and after the end. */
function assemble(tokenIds: readonly number[], options: Partial<AnswerOptions> = {}) {
  const assembler = new AnswerAssembler(tokenizer, { ...defaults, ...options });
  const tokens = tokenIds.map(
    (tokenId, outputIndex): SampledToken => ({ tokenId, outputIndex, logprob: -1, topLogprobs: [] }),
  );
  const deltas = [...tokens.map((token) => assembler.push([token])), assembler.finish()];
  return {
    texts: deltas.map(({ text }) => text),
    numScores: deltas.map(({ logprobs }) => logprobs.length),
    isStopped: assembler.isStopped,
    numTokens: assembler.numTokens,
  };
}
const bytesOf = (text: string) => [...Buffer.from(text)].map((byte) => tokenIdOfByte(byte));

function tokenIdOfByte(byte: number): number {
  for (let id = 0; id < tokenizer.numTokens; id++) {
    const bytes = tokenizer.tokenBytes(id);
    if (bytes.length === 1 && bytes[0] === byte) return id;
  }
  throw new Error(`no token is the byte ${byte}`);
}

describe('AnswerAssembler', () => {
  it('holds back a character until all its bytes are there', () => {
    expect(assemble(bytesOf('aü')).texts).toEqual(['a', '', 'ü', '']);
  });

  it('shows an unfinished character as a replacement when the answer ends', () => {
    expect(assemble(bytesOf('ü').slice(0, 1)).texts).toEqual(['', '\uFFFD']);
  });

  it('shows no stop token, but counts it', () => {
    expect(assemble([...bytesOf('a'), stopToken], { skipSpecialTokens: false })).toMatchObject({
      texts: ['a', '', ''],
      numTokens: 2,
    });
  });

  it('shows other special tokens only when asked', () => {
    const special = tokenizer.specialTokenId('<|im_start|>')!;
    expect(assemble([special]).texts).toEqual(['', '']);
    expect(assemble([special], { skipSpecialTokens: false }).texts).toEqual(['<|im_start|>', '']);
  });

  it('keeps the scores of text that is held back until it is shown', () => {
    expect(assemble(bytesOf('abXc'), { stopStrings: ['bXY'] })).toMatchObject({
      texts: ['a', '', '', 'bXc', ''],
      numScores: [1, 0, 0, 3, 0],
    });
  });

  it('gives no scores for a stop string', () => {
    expect(assemble(bytesOf('abXYc'), { stopStrings: ['XY'] })).toMatchObject({
      texts: ['a', 'b', '', '', '', ''],
      numScores: [1, 1, 0, 0, 0, 0],
      isStopped: true,
      numTokens: 4,
    });
  });

  it('looks for stop strings only behind the least number of tokens', () => {
    const { texts, isStopped } = assemble(bytesOf('XaXb'), { stopStrings: ['X'], minTokens: 1 });
    expect([texts.join(''), isStopped]).toEqual(['Xa', true]);
  });
});
