import type { GoldenCopy } from './golden-copy.js';

const checkpointDir = 'checkpoints/tiny-nested';
/** Ids of tiny-nested's added tokens, special ones included, and rows of its embedding table. */
const addedIds = { first: 1000, last: 1021 };
const vocabSize = 1088;
const hiddenSize = 128;

const renumber = (id: number): number =>
  id >= addedIds.first && id <= addedIds.last ? addedIds.first + addedIds.last - id : id;

/** Gives tiny-nested's added tokens the ids of each other, last to first, in the checkpoint and in the named cases. */
export function renumberAddedTokens(copy: GoldenCopy, cases: readonly string[]): void {
  copy.editJson(`${checkpointDir}/tokenizer.json`, ({ added_tokens }) => {
    for (const token of added_tokens) token.id = renumber(token.id);
  });
  copy.editJson(`${checkpointDir}/tokenizer_config.json`, (config) => {
    const entries = Object.entries(config.added_tokens_decoder);
    config.added_tokens_decoder = Object.fromEntries(entries.map(([id, token]) => [renumber(Number(id)), token]));
  });
  for (const file of ['config.json', 'generation_config.json']) {
    copy.editJson(`${checkpointDir}/${file}`, renumberFields);
  }
  const weights = `${checkpointDir}/model.safetensors`;
  copy.editTensor(weights, 'model.language_model.embed_tokens.weight', (rows) => permuteRows(rows, hiddenSize));
  for (const name of cases) renumberCase(copy, `cases/tiny-nested/${name}`);
}

function renumberCase(copy: GoldenCopy, path: string): void {
  copy.editJson(`${path}.json`, (record) => {
    record.input_ids = record.input_ids.map(renumber);
    record.greedy_tokens = record.greedy_tokens.map(renumber);
  });
  for (const tensor of ['logits_last', 'decode_logits']) {
    copy.editTensor(`${path}.safetensors`, tensor, (logits) => {
      for (let row = 0; row < logits.length; row += vocabSize) permuteRows(logits.subarray(row, row + vocabSize), 1);
    });
  }
}

/** Every `…_token_id` of a configuration, one id or a list, at any depth. */
function renumberFields(config: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(config)) {
    if (key.endsWith('_token_id')) config[key] = Array.isArray(value) ? value.map(renumber) : renumber(Number(value));
    else if (typeof value === 'object' && value !== null) renumberFields(value as Record<string, unknown>);
  }
}

function permuteRows(rows: Float32Array, rowLen: number): void {
  const before = rows.slice();
  for (let id = addedIds.first; id <= addedIds.last; id++) {
    rows.set(before.subarray(id * rowLen, (id + 1) * rowLen), renumber(id) * rowLen);
  }
}
