// The job that the engine's thread lays out in shared memory and all threads work on; little-endian 32-bit words.
// `src/attention/wasm/attention-job.ts` writes it: keep the two in step.

/**
 * High word: generation of the job; low word: items claimed so far, or 2³² − 1 while the job is being laid out. Claims
 * compare both, so that a thread that wakes late can never take an item of a job it does not know.
 */
export const claims: usize = 0;
/** Items finished so far; the engine's thread waits until it equals `numItems`. */
export const finishedItems: usize = 8;
/** An item is one row and one KV head. */
export const numItems: usize = 12;
export const numHeads: usize = 16;
export const numKvHeads: usize = 20;
export const headDim: usize = 24;
/** f32 [rows, numHeads, headDim]. */
export const queries: usize = 28;
/** f32 [rows, numHeads, headDim]. */
export const output: usize = 32;
/** Per row: number of positions it sees, pointer to its page ids (u32 each). */
export const rows: usize = 36;
/** Keys of the layer. */
export const keys: usize = 40;
/** Values of the layer. */
export const values: usize = 44;
/** Scores that the scratch of a thread holds per head, a multiple of the page length. */
export const maxPositions: usize = 48;

/** Positions a page. */
export const pageLen: usize = 16;

/** Claims the next item of job generation `generation`; −1 when there is none left or the job is another one. */
export function claimItem(job: usize, generation: u32): i32 {
  let seen = atomic.load<u64>(job + claims);
  while (<u32>(seen >> 32) == generation && <u32>seen < load<u32>(job + numItems)) {
    const current = atomic.cmpxchg<u64>(job + claims, seen, seen + 1);
    if (current == seen) return <i32>(<u32>seen);
    seen = current;
  }
  return -1;
}

export function finishItem(job: usize): void {
  atomic.add<u32>(job + finishedItems, 1);
}
