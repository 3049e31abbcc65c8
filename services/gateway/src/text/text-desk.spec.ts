import type { Processor } from '@tessera/qwen2-5-vl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { say } from '../testing/scripted-scheduler.js';
import { question, startTinyGateway, type TinyGateway } from '../testing/tiny-gateway.js';
import { tinyProcessor } from '../testing/tiny-processor.js';

/** The bundled processor, whose work on this thread is counted. */
let numLocalCalls = 0;
const counting = <Args extends unknown[], Value>(work: (...args: Args) => Value) => {
  return (...args: Args): Value => {
    numLocalCalls++;
    return work(...args);
  };
};
const { tokenizer, buildPrompt } = tinyProcessor;
const processor: Processor = {
  ...tinyProcessor,
  buildPrompt: counting(buildPrompt),
  tokenizer: { ...tokenizer, encodeText: counting(tokenizer.encodeText), decode: counting(tokenizer.decode) },
};

let tiny: TinyGateway;
beforeAll(async () => {
  tiny = await startTinyGateway({ script: say([]), deps: { processor }, model: { maxContextLen: 100_000 } });
});
afterAll(() => tiny.gateway.close());

const short = 'a red circle. ';
const long = short.repeat(1200);

describe('a text leaves the event loop only when it is long', () => {
  for (const [what, text, isLocal] of [
    ['short', short, true],
    ['long', long, false],
  ] as const) {
    it(`${what}, to /tokenize with the text of each token`, async () => {
      numLocalCalls = 0;
      const { body } = await tiny.ask({ prompt: text, return_token_strs: true }, '/tokenize');
      expect(body.tokens).toEqual(tokenizer.encodeText(text));
      expect(body.token_strs.join('')).toBe(text);
      expect(numLocalCalls > 0).toBe(isLocal);
    });

    it(`${what}, in a conversation`, async () => {
      numLocalCalls = 0;
      const { body } = await tiny.ask(question(text), '/tokenize');
      expect(body.tokens).toEqual([...buildPrompt([{ role: 'user', content: text }]).tokenIds]);
      expect(numLocalCalls > 0).toBe(isLocal);
    });
  }
});
