import { ServingError } from '@tessera/domain';
import { CheckpointFields } from './checkpoint-fields.js';

/** How the matrices of a checkpoint are packed: a value is (level − zero point) · scale. */
export interface QuantizationConfig {
  readonly method: 'awq' | 'gptq';
  readonly bits: 4 | 8;
  /** Input columns that share a scale and a zero point; undefined when a row has one of each. */
  readonly groupLen: number | undefined;
  /** Zero points are half the range; stored ones are not read. */
  readonly isSymmetric: boolean;
  /** What a stored zero point lacks: GPTQ's first format stores one less. */
  readonly zeroPointOffset: 0 | 1;
}

/**
 * Reads `quantization_config` of a parsed `config.json`, else a parsed `quantize_config.json`; undefined when there is
 * neither. Throws ServingError `checkpoint_invalid`, which names the field, for a kind that is not supported.
 */
export function validateQuantization(config: unknown, quantizeConfig?: unknown): QuantizationConfig | undefined {
  const stated = new CheckpointFields(config, 'config.json').section('quantization_config');
  const alone = quantizeConfig === undefined ? undefined : new CheckpointFields(quantizeConfig, 'quantize_config.json');
  const fields = stated ?? alone;
  if (fields === undefined) return undefined;
  // AutoGPTQ's own file had no such field before other methods came.
  const method = stated ? fields.text('quant_method') : (fields.text('quant_method') ?? 'gptq');
  if (method === 'awq') return awq(fields);
  if (method === 'gptq') return gptq(fields);
  throw unsupported(fields, 'quant_method', method, 'awq and gptq');
}

function awq(fields: CheckpointFields): QuantizationConfig {
  const version = fields.text('version') ?? fields.text('checkpoint_format') ?? 'gemm';
  if (version.toLowerCase() !== 'gemm') throw unsupported(fields, 'version', version, 'gemm');
  if (fields.raw('bits') !== 4) throw unsupported(fields, 'bits', fields.raw('bits'), '4');
  return { method: 'awq', bits: 4, groupLen: groupLen(fields), isSymmetric: false, zeroPointOffset: 0 };
}

/**
 * Symmetric zero points are known and stored ones are not to be trusted: some tools write those of the second format
 * under the first one's name (vllm-project/vllm#38966).
 */
function gptq(fields: CheckpointFields): QuantizationConfig {
  const bits = fields.raw('bits');
  if (bits !== 4 && bits !== 8) throw unsupported(fields, 'bits', bits, '4 and 8');
  const format = fields.text('checkpoint_format') ?? 'gptq';
  if (format !== 'gptq' && format !== 'gptq_v2') {
    throw unsupported(fields, 'checkpoint_format', format, 'gptq and gptq_v2');
  }
  if (fields.flag('is_marlin_format')) throw unsupported(fields, 'is_marlin_format', true, 'false');
  refuseOverrides(fields);
  return {
    method: 'gptq',
    bits,
    groupLen: groupLen(fields),
    isSymmetric: fields.flag('sym') ?? false,
    zeroPointOffset: format === 'gptq' ? 1 : 0,
  };
}

/** Rules that begin with `-:` name modules left in 16 bits, which the tensors show; others change bits or groups. */
function refuseOverrides(fields: CheckpointFields): void {
  const rules = fields.raw('dynamic');
  if (typeof rules !== 'object' || rules === null) return;
  const override = Object.keys(rules).find((pattern) => !pattern.startsWith('-:'));
  if (override !== undefined) throw unsupported(fields, 'dynamic', override, 'rules that leave modules out ("-:…")');
}

function groupLen(fields: CheckpointFields): number | undefined {
  return fields.raw('group_size') === -1 ? undefined : (fields.count('group_size') ?? 128);
}

function unsupported(fields: CheckpointFields, key: string, given: unknown, supported: string): ServingError {
  const field = fields.name(key);
  return new ServingError(
    'checkpoint_invalid',
    `${field} is ${JSON.stringify(given) ?? 'missing'}; supported: ${supported}.`,
    { field },
  );
}
