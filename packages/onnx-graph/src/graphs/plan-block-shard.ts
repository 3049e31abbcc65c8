import { ServingError } from '@tessera/domain';
import type { TextConfig } from '@tessera/qwen2-5-vl';
import { fewRowForms, formOf, type WeightForms } from '../weights/weight-forms.js';
import { planShard, type ShardPlan } from './shard-plan.js';

/**
 * What one rank keeps of a decoder whose matrices have these forms: no block of an int4 matrix is cut, or the degree
 * would change the weights. Throws `tensor_parallel_degree` when the model cannot be split that way.
 */
export function planBlockShard(text: TextConfig, forms: WeightForms, numRanks: number, rank: number): ShardPlan {
  const { headDim, numHeads, intermediateSize } = text;
  const blocked = fewRowForms(forms) ?? forms;
  const shard = planShard(text, numRanks, rank, longestBlock(text, blocked, 'mlp.down_proj', intermediateSize));
  const blockLen = longestBlock(text, blocked, 'self_attn.o_proj', numHeads * headDim);
  const numCols = (shard.heads.end - shard.heads.start) * headDim;
  if (numRanks === 1 || blockLen === undefined || numCols % blockLen === 0) return shard;
  throw new ServingError(
    'tensor_parallel_degree',
    `--tp ${numRanks} with int4: each rank would keep ${numCols} columns of o_proj, which are no whole blocks of ${blockLen}.`,
    { numRanks, blockLen, numCols },
  );
}

/** The longest block of a matrix that is cut by columns, over all layers; blocks are powers of two. */
function longestBlock(
  { numLayers }: TextConfig,
  forms: WeightForms,
  matrix: string,
  numColumns: number,
): number | undefined {
  const blockLens = Array.from({ length: numLayers }, (_, layer) => {
    const form = formOf(forms, 'decoder', [`model.layers.${layer}.${matrix}.weight`], numColumns);
    return form.kind === 'int4' ? form.blockLen : 0;
  });
  return Math.max(...blockLens) || undefined;
}
