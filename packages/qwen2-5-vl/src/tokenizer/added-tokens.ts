import { ServingError } from '@tessera/domain';
import { CheckpointFields } from '../config/checkpoint-fields.js';

/** A token outside the merges, recognised by its literal text. */
export interface AddedToken {
  readonly id: number;
  readonly text: string;
  /** Left out of text that is decoded without special tokens, and never recognised in a user's text. */
  readonly isSpecial: boolean;
}

/**
 * The added tokens of a parsed `tokenizer.json`, in the order of their ids. One is special when this file or
 * `tokenizer_config.json` says so. Throws ServingError `checkpoint_invalid`.
 */
export function readAddedTokens(tokenizer: CheckpointFields, config: CheckpointFields): readonly AddedToken[] {
  const flaggedByConfig = new Set(config.strings('additional_special_tokens'));
  const described = config.section('added_tokens_decoder');
  const tokens = objects(tokenizer, 'added_tokens').map((token): AddedToken => {
    const id = token.index('id');
    const text = token.text('content');
    if (id === undefined || text === undefined) {
      throw new ServingError('checkpoint_invalid', `${token.name('id')} and content must be given`);
    }
    for (const flag of ['single_word', 'lstrip', 'rstrip']) {
      if (token.flag(flag) === true) {
        throw new ServingError('checkpoint_invalid', `${token.name(flag)}: true is not supported`);
      }
    }
    const isSpecial =
      token.flag('special') === true ||
      flaggedByConfig.has(text) ||
      described?.section(String(id))?.flag('special') === true;
    return { id, text, isSpecial };
  });
  return tokens.sort((a, b) => a.id - b.id);
}

function objects(fields: CheckpointFields, key: string): CheckpointFields[] {
  const list = fields.raw(key) ?? [];
  if (!Array.isArray(list)) {
    throw new ServingError('checkpoint_invalid', `${fields.name(key)} must be a list`, { field: fields.name(key) });
  }
  return list.map((entry, i) => new CheckpointFields(entry, fields.name(`${key}[${i}]`)));
}
