import { describe, expect, it } from 'vitest';
import { validateQuantization } from './quantization-config.js';

/** As Qwen publishes it. */
const awq = {
  quant_method: 'awq',
  bits: 4,
  group_size: 128,
  modules_to_not_convert: ['visual'],
  version: 'gemm',
  zero_point: true,
};
const gptq = { quant_method: 'gptq', bits: 4, group_size: 128, desc_act: false, sym: false };

const read = (quantization: object | undefined, alone?: object) =>
  validateQuantization({ quantization_config: quantization }, alone);

describe('validateQuantization', () => {
  it('finds nothing in a checkpoint of plain floats', () => {
    expect(read(undefined)).toBeUndefined();
  });

  it('reads AWQ', () => {
    const expected = { method: 'awq', bits: 4, groupLen: 128, isSymmetric: false, zeroPointOffset: 0 };
    expect(read(awq)).toEqual(expected);
    expect(read({ ...awq, version: 'GEMM' })).toEqual(expected);
  });

  it('reads GPTQ of both formats, of 4 and 8 bits', () => {
    const expected = { method: 'gptq', bits: 4, groupLen: 128, isSymmetric: false, zeroPointOffset: 1 };
    expect(read(gptq)).toEqual(expected);
    expect(read({ ...gptq, checkpoint_format: 'gptq' })).toEqual(expected);
    expect(read({ ...gptq, checkpoint_format: 'gptq_v2' })).toEqual({ ...expected, zeroPointOffset: 0 });
    expect(read({ ...gptq, bits: 8, sym: true })).toEqual({ ...expected, bits: 8, isSymmetric: true });
  });

  it('takes a group size of −1 for whole rows', () => {
    expect(read({ ...gptq, group_size: -1 })).toMatchObject({ groupLen: undefined });
  });

  it('reads a file of its own where config.json says nothing', () => {
    const { quant_method, ...rest } = gptq;
    expect(read(undefined, { ...rest, group_size: 64 })).toMatchObject({ method: 'gptq', groupLen: 64 });
    expect(read(awq, rest)).toMatchObject({ method: 'awq' });
  });

  it('lets rules leave modules out', () => {
    expect(read({ ...gptq, dynamic: { '-:.*visual.*': {} } })).toBeDefined();
  });

  const refused: Readonly<Record<string, object>> = {
    quant_method: { ...gptq, quant_method: 'bitsandbytes' },
    version: { ...awq, version: 'gemv' },
    bits: { ...gptq, bits: 3 },
    checkpoint_format: { ...gptq, checkpoint_format: 'marlin' },
    is_marlin_format: { ...gptq, is_marlin_format: true },
    dynamic: { ...gptq, dynamic: { '.*mlp.*': { bits: 8 } } },
    group_size: { ...gptq, group_size: 0 },
  };
  for (const [key, quantization] of Object.entries(refused)) {
    it(`refuses another ${key} and names the field`, () => {
      const field = `config.json: quantization_config.${key}`;
      expect(() => read(quantization)).toThrow(
        expect.objectContaining({ reason: 'checkpoint_invalid', facts: expect.objectContaining({ field }) }),
      );
    });
  }

  it('refuses a method that is not stated, and AWQ of other bits', () => {
    expect(() => read({ bits: 4 })).toThrow('quant_method is missing');
    expect(() => read({ ...awq, bits: 8 })).toThrow('bits is 8');
  });
});
