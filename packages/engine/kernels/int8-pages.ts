import { pageLen } from './job';

/*
 * A page of one KV head in int8. Two neighbours lie side by side, so that one instruction multiplies eight pairs:
 * dimensions 2i and 2i + 1 of a position for keys, positions 2i and 2i + 1 of a dimension for values. A scale each per
 * position follows, key scales after the keys, value scales after the values:
 *
 *     keys    [headDim / 2][16][2] int8, [16] f32        values   [headDim / 4][8][4][2] int8, [16] f32
 */

/** Integer scores of one page for two heads; q holds int16 pairs of dimensions. */
export function scorePage2(q0: usize, q1: usize, keys: usize, headDim: usize, s0: usize, s1: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let d: usize = 0; d < headDim; d += 2) {
    const k0 = v128.load_ext<i8>(keys, 0), k1 = v128.load_ext<i8>(keys, 8);
    const k2 = v128.load_ext<i8>(keys, 16), k3 = v128.load_ext<i8>(keys, 24);
    const x = v128.load_splat<i32>(q0);
    const y = v128.load_splat<i32>(q1);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(k0, x));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(k1, x));
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(k2, x));
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(k3, x));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(k0, y));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(k1, y));
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(k2, y));
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(k3, y));
    keys += pageLen << 1;
    q0 += 4;
    q1 += 4;
  }
  storeScaled(s0, keys, a0, a1, a2, a3);
  storeScaled(s1, keys, b0, b1, b2, b3);
}

/** The same for one head. */
export function scorePage1(q: usize, keys: usize, headDim: usize, s: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let d: usize = 0; d < headDim; d += 2) {
    const x = v128.load_splat<i32>(q);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load_ext<i8>(keys, 0), x));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load_ext<i8>(keys, 8), x));
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v128.load_ext<i8>(keys, 16), x));
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v128.load_ext<i8>(keys, 24), x));
    keys += pageLen << 1;
    q += 4;
  }
  storeScaled(s, keys, a0, a1, a2, a3);
}

/** Integer dot products times the positions' key scales. */
// @ts-expect-error: decorator
@inline
function storeScaled(s: usize, scales: usize, a0: v128, a1: v128, a2: v128, a3: v128): void {
  v128.store(s, f32x4.mul(f32x4.convert_i32x4_s(a0), v128.load(scales, 0)), 0);
  v128.store(s, f32x4.mul(f32x4.convert_i32x4_s(a1), v128.load(scales, 16)), 16);
  v128.store(s, f32x4.mul(f32x4.convert_i32x4_s(a2), v128.load(scales, 32)), 32);
  v128.store(s, f32x4.mul(f32x4.convert_i32x4_s(a3), v128.load(scales, 48)), 48);
}

/**
 * Adds weights · values of one page to two heads' sums. w holds the page's 16 weights as int16 (value scales included,
 * in units of `unit`), zero where there is no position.
 */
export function mixPage2(
  w0: usize,
  w1: usize,
  unit0: f32,
  unit1: f32,
  values: usize,
  headDim: usize,
  sums0: usize,
  sums1: usize,
): void {
  const x0 = v128.load_splat<i32>(w0, 0), x1 = v128.load_splat<i32>(w0, 4);
  const x2 = v128.load_splat<i32>(w0, 8), x3 = v128.load_splat<i32>(w0, 12);
  const x4 = v128.load_splat<i32>(w0, 16), x5 = v128.load_splat<i32>(w0, 20);
  const x6 = v128.load_splat<i32>(w0, 24), x7 = v128.load_splat<i32>(w0, 28);
  const scale0 = f32x4.splat(unit0);
  const scale1 = f32x4.splat(unit1);
  for (let d: usize = 0; d < headDim << 2; d += 16) {
    let v = v128.load_ext<i8>(values, 0);
    let a = i32x4.dot_i16x8_s(v, x0);
    let b = i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 0));
    v = v128.load_ext<i8>(values, 8);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x1));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 4)));
    v = v128.load_ext<i8>(values, 16);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x2));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 8)));
    v = v128.load_ext<i8>(values, 24);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x3));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 12)));
    v = v128.load_ext<i8>(values, 32);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x4));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 16)));
    v = v128.load_ext<i8>(values, 40);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x5));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 20)));
    v = v128.load_ext<i8>(values, 48);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x6));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 24)));
    v = v128.load_ext<i8>(values, 56);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v, x7));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v, v128.load_splat<i32>(w1, 28)));
    v128.store(sums0, f32x4.add(v128.load(sums0), f32x4.mul(f32x4.convert_i32x4_s(a), scale0)));
    v128.store(sums1, f32x4.add(v128.load(sums1), f32x4.mul(f32x4.convert_i32x4_s(b), scale1)));
    values += pageLen << 2;
    sums0 += 16;
    sums1 += 16;
  }
}
