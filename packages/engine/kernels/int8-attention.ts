import { mixPage2, scorePage1, scorePage2 } from './int8-pages';
import * as Job from './job';
import { largestOf, sumOf } from './lanes';
import { exponentiate, rounder } from './softmax';

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
    storeHead(load<usize>(job + Job.keys) + offset, keyRow, headDim, slot, slot << 1, 1, Job.pageLen << 1);
    storeHead(load<usize>(job + Job.values) + offset, valueRow, headDim, slot, ((slot >> 1) << 3) + (slot & 1), 2, 4);
    keyRow += headDim << 2;
    valueRow += headDim << 2;
  }
}

/** Of each four dimensions, one goes to `first`, the next `step`, the others `pairStep` bytes behind; the scale to the page's end. */
function storeHead(
  page: usize,
  row: usize,
  headDim: usize,
  slot: usize,
  first: usize,
  step: usize,
  pairStep: usize,
): void {
  const max = largestMagnitude(row, headDim);
  const inverse: f32 = max > 0 ? 127 / max : 0;
  let at = page + first;
  for (let d: usize = 0; d < headDim << 2; d += 16) {
    store<i8>(at, <i8>nearest<f32>(load<f32>(row + d) * inverse));
    store<i8>(at + step, <i8>nearest<f32>(load<f32>(row + d, 4) * inverse));
    store<i8>(at + pairStep, <i8>nearest<f32>(load<f32>(row + d, 8) * inverse));
    store<i8>(at + pairStep + step, <i8>nearest<f32>(load<f32>(row + d, 12) * inverse));
    at += Job.pageLen << 2;
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

/**
 * Weights of one page times its value scales, as int16 in units of the result; zero from `count` on. What is not a
 * number stays so in the unit.
 */
function weighPage(scores: usize, scales: usize, count: usize, weights: usize): f32 {
  const end = i32x4.splat(<i32>count);
  const w0 = before(end, i32x4(0, 1, 2, 3), f32x4.mul(v128.load(scores, 0), v128.load(scales, 0)));
  const w1 = before(end, i32x4(4, 5, 6, 7), f32x4.mul(v128.load(scores, 16), v128.load(scales, 16)));
  const w2 = before(end, i32x4(8, 9, 10, 11), f32x4.mul(v128.load(scores, 32), v128.load(scales, 32)));
  const w3 = before(end, i32x4(12, 13, 14, 15), f32x4.mul(v128.load(scores, 48), v128.load(scales, 48)));
  const largest = largestOf(f32x4.pmax(f32x4.pmax(w0, w1), f32x4.pmax(w2, w3)));
  const inverse = f32x4.splat(largest > 0 ? 32767 / largest : 0);
  v128.store(weights, i16x8.narrow_i32x4_s(roundScaled(w0, inverse), roundScaled(w1, inverse)), 0);
  v128.store(weights, i16x8.narrow_i32x4_s(roundScaled(w2, inverse), roundScaled(w3, inverse)), 16);
  const sum = f32x4.add(f32x4.add(w0, w1), f32x4.add(w2, w3));
  return (largest + notNumbers(sum)) / 32767;
}

/** x in the lanes whose index is before the end, 0 in the others, whatever an earlier sequence left there. */
// @ts-expect-error: decorator
@inline
function before(end: v128, indices: v128, x: v128): v128 {
  return v128.and(x, i32x4.lt_s(indices, end));
}

/** 0; not a number when a lane of x is none or is infinite. */
// @ts-expect-error: decorator
@inline
function notNumbers(x: v128): f32 {
  return sumOf(f32x4.sub(x, x));
}

/** Rounds to int32; magnitudes of at most 2²². */
// @ts-expect-error: decorator
@inline
function roundScaled(x: v128, factor: v128): v128 {
  const offset = f32x4.splat(rounder);
  return i32x4.sub(f32x4.add(f32x4.mul(x, factor), offset), offset);
}

/** Symmetric int16 of `length` floats; returns the unit, which is above 0 even where all are 0. */
function toInt16(from: usize, to: usize, length: usize): f32 {
  const largest = largestMagnitude(from, length);
  const inverse: f32 = largest > 0 ? 32767 / largest : 0;
  const factor = f32x4.splat(inverse);
  for (let i: usize = 0; i < length << 2; i += 32) {
    const low = roundScaled(v128.load(from + i), factor);
    const high = roundScaled(v128.load(from + i, 16), factor);
    v128.store(to + (i >> 1), i16x8.narrow_i32x4_s(low, high));
  }
  return max<f32>(largest / 32767, 1e-30);
}

function largestMagnitude(from: usize, length: usize): f32 {
  let max4 = f32x4.splat(0);
  for (let i: usize = 0; i < length << 2; i += 16) max4 = f32x4.max(max4, f32x4.abs(v128.load(from + i)));
  return largestOf(max4);
}

/** Of one KV head's keys, and of its values. */
// @ts-expect-error: decorator
@inline
function pageBytes(headDim: usize): usize {
  return headDim * Job.pageLen + (Job.pageLen << 2);
}
