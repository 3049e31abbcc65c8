import type { Collective } from '../collective/collective.js';
import { type Choice, chooseToken, wholeRow } from './choose-token.js';
import type { SamplingRow } from './sampling-row.js';
import { type SliceValues, scoreSlice, summarizeSlice } from './slice-summary.js';

/** A rank's part of the vocabulary. */
export interface VocabSlice {
  /** Id of the slice's first row. */
  readonly offset: number;
  readonly length: number;
  /** Ids from here on are padding of the matrix. */
  readonly numTokens: number;
}

/**
 * Chooses a token for each row from this rank's slice of its logits and what the other ranks say of theirs.
 * All ranks return the same (architecture §3.4).
 */
export async function sampleRows(
  rows: readonly SamplingRow[],
  logits: readonly Float32Array[],
  slice: VocabSlice,
  collective: Collective,
): Promise<Choice[]> {
  const values = rows.map(
    (row, i): SliceValues => ({
      logits: logits[i],
      scores: scoreSlice(logits[i], slice.offset, row, slice.numTokens),
    }),
  );
  const own = rows.map((row, i) => summarizeSlice(values[i], slice.offset, row));
  const byRank = await collective.allGather(own);
  const summariesOf = (i: number) => byRank.map((summaries) => summaries[i]);
  const choices = rows.map((row, i) => chooseToken(summariesOf(i), row));
  for (const [i, choice] of choices.entries()) {
    if (choice) continue;
    const slices = await collective.allGather(values[i]);
    choices[i] = chooseToken(wholeRow(slices, summariesOf(i)), rows[i]);
  }
  return choices as Choice[];
}
