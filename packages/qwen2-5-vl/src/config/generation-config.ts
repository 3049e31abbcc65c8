import { CheckpointFields } from './checkpoint-fields.js';

/** What the checkpoint's authors suggest for generation; undefined where they suggest nothing. */
export interface GenerationConfig {
  /** Sampling any of these ends an answer. */
  readonly eosTokenIds: readonly number[];
  /** False is greedy decoding, whatever the temperature says. */
  readonly doSample: boolean;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly repetitionPenalty?: number;
}

/**
 * Reads a parsed `generation_config.json`; undefined suggests nothing. Without end tokens of its own, those of
 * `rawModelConfig` hold. Throws ServingError `checkpoint_invalid`, which names the field.
 */
export function validateGenerationConfig(raw: unknown, rawModelConfig?: unknown): GenerationConfig {
  const fields = new CheckpointFields(raw ?? {}, 'generation_config.json');
  const model = new CheckpointFields(rawModelConfig ?? {}, 'config.json');
  const temperature = fields.nonNegativeNumber('temperature');
  const topP = fields.positiveNumber('top_p');
  const topK = fields.index('top_k');
  const repetitionPenalty = fields.positiveNumber('repetition_penalty');
  return {
    eosTokenIds: endTokens(fields) ?? endTokens(model) ?? endTokens(model.section('text_config')) ?? [],
    doSample: fields.flag('do_sample') ?? false,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
  };
}

/** One id or a list of ids. */
function endTokens(fields: CheckpointFields | undefined): readonly number[] | undefined {
  if (Array.isArray(fields?.raw('eos_token_id'))) return fields.indices('eos_token_id');
  const only = fields?.index('eos_token_id');
  return only === undefined ? undefined : [only];
}
