import type { Collective } from '../collective/collective.js';
import { type Choice, chooseToken, isChoosable, wholeRow } from './choose-token.js';
import type { SamplingRow } from './sampling-row.js';
import { type SliceSummary, type SliceValues, scoreSlice, summarizeSlice } from './slice-summary.js';

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
 * All ranks return the same (architecture §3.4): undefined for a row without a token to choose.
 */
export async function sampleRows(
  rows: readonly SamplingRow[],
  logits: readonly Float32Array[],
  slice: VocabSlice,
  collective: Collective,
): Promise<(Choice | undefined)[]> {
  const values = rows.map(
    (row, i): SliceValues => ({
      logits: logits[i],
      scores: scoreSlice(logits[i], slice.offset, row, slice.numTokens),
    }),
  );
  const own = rows.map((row, i) => summarizeSlice(values[i], slice.offset, row));
  const byRank = await collective.allGather(own);
  const choices: (Choice | undefined)[] = [];
  for (const [i, row] of rows.entries()) {
    const summaries = byRank.map((ofRank) => ofRank[i]);
    choices.push(isChoosable(summaries) ? await choose(row, summaries, values[i], collective) : undefined);
  }
  return choices;
}

async function choose(
  row: SamplingRow,
  summaries: readonly SliceSummary[],
  values: SliceValues,
  collective: Collective,
): Promise<Choice | undefined> {
  const choice = chooseToken(summaries, row);
  if (choice) return choice;
  const slices = await collective.allGather(values);
  return chooseToken(wholeRow(slices, summaries), row);
}
