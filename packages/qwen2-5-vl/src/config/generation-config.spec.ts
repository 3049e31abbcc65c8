import { describe, expect, test } from 'vitest';
import { validateGenerationConfig } from './generation-config.js';

describe('validateGenerationConfig', () => {
  test('reads what the file suggests', () => {
    const raw = {
      eos_token_id: [5, 7],
      do_sample: true,
      temperature: 0.1,
      top_p: 0.5,
      top_k: 3,
      repetition_penalty: 1.05,
    };
    expect(validateGenerationConfig(raw)).toEqual({
      eosTokenIds: [5, 7],
      doSample: true,
      temperature: 0.1,
      topP: 0.5,
      topK: 3,
      repetitionPenalty: 1.05,
    });
  });

  test('suggests greedy decoding and nothing else without a file', () => {
    expect(validateGenerationConfig(undefined)).toEqual({ eosTokenIds: [], doSample: false });
  });

  test("falls back to the model's own end token, flat or nested", () => {
    expect(validateGenerationConfig({}, { eos_token_id: 9 }).eosTokenIds).toEqual([9]);
    expect(validateGenerationConfig(undefined, { text_config: { eos_token_id: [8] } }).eosTokenIds).toEqual([8]);
    expect(validateGenerationConfig({ eos_token_id: 1 }, { eos_token_id: 9 }).eosTokenIds).toEqual([1]);
  });

  test('refuses a value of the wrong kind', () => {
    expect(() => validateGenerationConfig({ temperature: 'hot' })).toThrow(
      'generation_config.json: temperature must be a number of at least 0, not "hot"',
    );
    expect(() => validateGenerationConfig({ eos_token_id: [-1] })).toThrow('eos_token_id');
  });
});
