import { mixPage2, scorePage1, scorePage2 } from './int8-pages';
import * as Job from './job';
import { exponentiate } from './softmax';

/**
 * Quantises one row's keys and values [numKvHeads, headDim], one scale a head, and writes them into slot `slot` of
 * page `page`.
 */
export function storeRow(job: usize, keyRow: usize, valueRow: usize, page: usize, slot: usize): void {
  const headDim = load<usize>(job + Job.headDim);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const bytes = pageBytes(headDim);
  for (let head: usize = 0; head < numKvHeads; head++) {
    const offset = (page * numKvHeads + head) * bytes;
    storeHead(load<usize>(job + Job.keys) + offset, keyRow, headDim, slot, (slot << 1), Job.pageLen << 1, 1);
    const pair = (slot >> 1) * (headDim << 1) + (slot & 1);
    storeHead(load<usize>(job + Job.values) + offset, valueRow, headDim, slot, pair, 4, 2);
    keyRow += headDim << 2;
    valueRow += headDim << 2;
  }
}

/** Dimensions 2i and 2i + 1 go to `first + i · pairStride` and `step` bytes behind it; the scale to the page's end. */
function storeHead(
  page: usize,
  row: usize,
  headDim: usize,
  slot: usize,
  first: usize,
  pairStride: usize,
  step: usize,
): void {
  const max = largestMagnitude(row, headDim);
  const inverse: f32 = max > 0 ? 127 / max : 0;
  let at = page + first;
  for (let d: usize = 0; d < headDim << 2; d += 8) {
    store<i8>(at, <i8>nearest<f32>(load<f32>(row + d) * inverse));
    store<i8>(at + step, <i8>nearest<f32>(load<f32>(row + d, 4) * inverse));
    at += pairStride;
  }
  store<f32>(page + headDim * Job.pageLen + (slot << 2), max / 127);
}

/** Works on items until none is left. */
export function work(job: usize, scratch: usize, generation: u32): void {
  const numKvHeads = load<u32>(job + Job.numKvHeads);
  for (let item = Job.claimItem(job, generation); item >= 0; item = Job.claimItem(job, generation)) {
    attend(job, <u32>item / numKvHeads, <u32>item % numKvHeads, scratch);
    Job.finishItem(job);
  }
}

/**
 * One row, all query heads of one KV head. Queries and weights become int16, so that scores and sums are integers
 * within a page. As in float-attention, the result depends on this row alone.
 *
 *     scratch   scores [group][maxPositions] f32, sums [group + 1][headDim] f32, queries [group][headDim] i16,
 *               weights [group + 1][16] i16, units [group + 1] f32, divisors [group] f32
 *
 * The last of group + 1 takes what the pairwise kernels make of a head that has no partner.
 */
function attend(job: usize, row: usize, kvHead: usize, scratch: usize): void {
  const headDim = load<usize>(job + Job.headDim);
  const numHeads = load<usize>(job + Job.numHeads);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const group = numHeads / numKvHeads;
  const rowEntry = load<usize>(job + Job.rows) + (row << 3);
  const numPositions = load<usize>(rowEntry);
  const pages = load<usize>(rowEntry, 4);
  const headBytes = headDim << 2;
  const firstHead = (row * numHeads + kvHead * group) * headBytes;
  const scoreStride = load<usize>(job + Job.maxPositions) << 2;
  const sums = scratch + group * scoreStride;
  const queries = sums + (group + 1) * headBytes;
  const weights = queries + ((group * headDim) << 1);
  const units = weights + (group + 1) * (Job.pageLen << 1);
  const divisors = units + ((group + 1) << 2);

  for (let h: usize = 0; h < group; h++) {
    const unit = toInt16(load<usize>(job + Job.queries) + firstHead + h * headBytes, queries + ((h * headDim) << 1), headDim);
    store<f32>(units + (h << 2), unit);
  }
  score(job, queries, group, numPositions, pages, kvHead, scratch, scoreStride);
  const rootScale: f32 = 1 / Mathf.sqrt(<f32>headDim);
  for (let h: usize = 0; h < group; h++) {
    const scale = load<f32>(units + (h << 2)) * rootScale;
    store<f32>(divisors + (h << 2), exponentiate(scratch + h * scoreStride, <i32>numPositions, scale));
  }
  memory.fill(sums, 0, group * headBytes);
  mix(job, group, numPositions, pages, kvHead, scratch, scoreStride, sums, weights, units);
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
  const queryBytes = headDim << 1;
  const bytes = pageBytes(headDim);
  for (let position: usize = 0; position < numPositions; position += Job.pageLen) {
    const keys = load<usize>(job + Job.keys) + (load<usize>(pages) * numKvHeads + kvHead) * bytes;
    const at = scores + (position << 2);
    let h: usize = 0;
    for (; h + 2 <= group; h += 2) {
      const q = queries + h * queryBytes;
      const s = at + h * scoreStride;
      scorePage2(q, q + queryBytes, keys, headDim, s, s + scoreStride);
    }
    if (h < group) scorePage1(queries + h * queryBytes, keys, headDim, at + h * scoreStride);
    pages += 4;
  }
}

function mix(
  job: usize,
  group: usize,
  numPositions: usize,
  pages: usize,
  kvHead: usize,
  scores: usize,
  scoreStride: usize,
  sums: usize,
  weights: usize,
  units: usize,
): void {
  const headDim = load<usize>(job + Job.headDim);
  const numKvHeads = load<usize>(job + Job.numKvHeads);
  const bytes = pageBytes(headDim);
  const headBytes = headDim << 2;
  const weightBytes = Job.pageLen << 1;
  for (let position: usize = 0; position < numPositions; position += Job.pageLen) {
    const count = min<usize>(Job.pageLen, numPositions - position);
    const values = load<usize>(job + Job.values) + (load<usize>(pages) * numKvHeads + kvHead) * bytes;
    const scales = values + headDim * Job.pageLen;
    for (let h: usize = 0; h < group; h++) {
      const unit = weighPage(scores + h * scoreStride + (position << 2), scales, count, weights + h * weightBytes);
      store<f32>(units + (h << 2), unit);
    }
    for (let h: usize = 0; h < group; h += 2) {
      mixPage2(
        weights + h * weightBytes,
        weights + (h + 1) * weightBytes,
        load<f32>(units + (h << 2)),
        load<f32>(units + ((h + 1) << 2)),
        values,
        headDim,
        sums + h * headBytes,
        sums + (h + 1) * headBytes,
      );
    }
    pages += 4;
  }
}

/** Weights of one page times its value scales, as int16 in units of the result; zero from `count` on. */
function weighPage(scores: usize, scales: usize, count: usize, weights: usize): f32 {
  let largest: f32 = 0;
  for (let i: usize = 0; i < count << 2; i += 4) {
    const weight = load<f32>(scores + i) * load<f32>(scales + i);
    store<f32>(scores + i, weight);
    // Unlike a comparison, it keeps what is not a number.
    largest = max<f32>(largest, weight);
  }
  const inverse: f32 = largest > 0 ? 32767 / largest : 0;
  for (let i: usize = 0; i < count; i++) {
    store<i16>(weights + (i << 1), <i16>nearest<f32>(load<f32>(scores + (i << 2)) * inverse));
  }
  for (let i = count; i < Job.pageLen; i++) store<i16>(weights + (i << 1), 0);
  return largest / 32767;
}

/** Symmetric int16 of `length` floats; returns the unit. */
function toInt16(from: usize, to: usize, length: usize): f32 {
  const max = largestMagnitude(from, length);
  const inverse: f32 = max > 0 ? 32767 / max : 0;
  for (let i: usize = 0; i < length; i++) {
    store<i16>(to + (i << 1), <i16>nearest<f32>(load<f32>(from + (i << 2)) * inverse));
  }
  return max / 32767;
}

function largestMagnitude(from: usize, length: usize): f32 {
  let max4 = f32x4.splat(0);
  for (let i: usize = 0; i < length << 2; i += 16) max4 = f32x4.max(max4, f32x4.abs(v128.load(from + i)));
  const a = max(f32x4.extract_lane(max4, 0), f32x4.extract_lane(max4, 1));
  const b = max(f32x4.extract_lane(max4, 2), f32x4.extract_lane(max4, 3));
  return max(a, b);
}

/** Of one KV head's keys, and of its values. */
// @ts-expect-error: decorator
@inline
function pageBytes(headDim: usize): usize {
  return headDim * Job.pageLen + (Job.pageLen << 2);
}
