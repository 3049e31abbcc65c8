import { mixPage1, mixPage4, scorePage1, scorePage2 } from './float-pages';
import * as Job from './job';
import { exponentiate } from './softmax';

/**
 * Writes one row's keys and values [numKvHeads, headDim] into slot `slot` of page `page`.
 *
 *     layer's keys    [page][kvHead][headDim][16]
 *     layer's values  [page][kvHead][16][headDim]
 */
export function storeRow(job: usize, keyRow: usize, valueRow: usize, page: usize, slot: usize): void {
  const headDim = load<usize>(job + Job.headDim);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const pageBytes = (headDim * Job.pageLen) << 2;
  for (let head: usize = 0; head < numKvHeads; head++) {
    const offset = (page * numKvHeads + head) * pageBytes;
    const key = load<usize>(job + Job.keys) + offset + (slot << 2);
    const value = load<usize>(job + Job.values) + offset + ((slot * headDim) << 2);
    for (let d: usize = 0; d < headDim; d++) {
      store<f32>(key + ((d * Job.pageLen) << 2), load<f32>(keyRow + (d << 2)));
    }
    memory.copy(value, valueRow, headDim << 2);
    keyRow += headDim << 2;
    valueRow += headDim << 2;
  }
}

/** Works on items until none is left. `scratch` holds [group, maxPositions] scores and [group, headDim + 1] sums. */
export function work(job: usize, scratch: usize, generation: u32): void {
  const numKvHeads = load<u32>(job + Job.numKvHeads);
  for (let item = Job.claimItem(job, generation); item >= 0; item = Job.claimItem(job, generation)) {
    attend(job, <u32>item / numKvHeads, <u32>item % numKvHeads, scratch);
    Job.finishItem(job);
  }
}

/**
 * One row, all query heads of one KV head, so that each page is read once for the group. Pages are visited in the
 * sequence's order, every sum runs over positions in a fixed order: the result depends on this row alone.
 */
function attend(job: usize, row: usize, kvHead: usize, scratch: usize): void {
  const headDim = load<usize>(job + Job.headDim);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const numHeads = load<usize>(job + Job.numHeads);
  const group = numHeads / numKvHeads;
  const rowEntry = load<usize>(job + Job.rows) + (row << 3);
  const numPositions = load<usize>(rowEntry);
  const pages = load<usize>(rowEntry, 4);
  const headBytes = headDim << 2;
  const firstHead = (row * numHeads + kvHead * group) * headBytes;
  const scoreStride = load<usize>(job + Job.maxPositions) << 2;
  const sums = scratch + group * scoreStride;

  score(job, load<usize>(job + Job.queries) + firstHead, group, numPositions, pages, kvHead, scratch, scoreStride);
  memory.fill(sums, 0, group * headBytes);
  const scale: f32 = 1 / Mathf.sqrt(<f32>headDim);
  const divisors = sums + group * headBytes;
  for (let h: usize = 0; h < group; h++) {
    store<f32>(divisors + (h << 2), exponentiate(scratch + h * scoreStride, <i32>numPositions, scale));
  }
  mix(job, group, numPositions, pages, kvHead, scratch, scoreStride, sums);
  const out = load<usize>(job + Job.output) + firstHead;
  for (let h: usize = 0; h < group; h++) {
    const inverse = f32x4.splat(1 / load<f32>(divisors + (h << 2)));
    for (let d: usize = h * headBytes; d < (h + 1) * headBytes; d += 16) {
      v128.store(out + d, f32x4.mul(v128.load(sums + d), inverse));
    }
  }
}

function score(
  job: usize,
  queries: usize,
  group: usize,
  numPositions: usize,
  pages: usize,
  kvHead: usize,
  scores: usize,
  scoreStride: usize,
): void {
  const headDim = load<usize>(job + Job.headDim);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const headBytes = headDim << 2;
  const pageBytes = headBytes * Job.pageLen;
  for (let position: usize = 0; position < numPositions; position += Job.pageLen) {
    const page = load<usize>(pages);
    const keys = load<usize>(job + Job.keys) + (page * numKvHeads + kvHead) * pageBytes;
    const at = scores + (position << 2);
    let h: usize = 0;
    for (; h + 2 <= group; h += 2) {
      const q = queries + h * headBytes;
      const s = at + h * scoreStride;
      scorePage2(q, q + headBytes, keys, <i32>headDim, s, s + scoreStride);
    }
    if (h < group) scorePage1(queries + h * headBytes, keys, <i32>headDim, at + h * scoreStride);
    pages += 4;
  }
}

function mix(
  job: usize,
  group: usize,
  numPositions: usize,
  pages: usize,
  kvHead: usize,
  weights: usize,
  weightStride: usize,
  sums: usize,
): void {
  const headDim = load<usize>(job + Job.headDim);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const headBytes = headDim << 2;
  const pageBytes = headBytes * Job.pageLen;
  for (let position: usize = 0; position < numPositions; position += Job.pageLen) {
    const count = min<usize>(Job.pageLen, numPositions - position);
    const values = load<usize>(job + Job.values) + (load<usize>(pages) * numKvHeads + kvHead) * pageBytes;
    const at = weights + (position << 2);
    let h: usize = 0;
    for (; h + 4 <= group; h += 4) {
      mixPage4(at + h * weightStride, weightStride, count, values, headDim, sums + h * headBytes);
    }
    for (; h < group; h++) mixPage1(at + h * weightStride, count, values, headDim, sums + h * headBytes);
    pages += 4;
  }
}
