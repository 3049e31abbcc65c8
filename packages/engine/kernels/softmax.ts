import { largestOf, sumOf } from './lanes';

/** Added to a float of at most 2²² in magnitude, it rounds it to an integer, which is then the sum's low bits. */
export const rounder: f32 = 12582912;

/** e^x for x ≤ 0, relative error below 2e-7; below −87 it is 0 but for rounding. */
// @ts-expect-error: decorator
@inline
export function exp4(x: v128): v128 {
  // Unlike max, pmax is one instruction; it too keeps what is not a number.
  const clamped = f32x4.pmax(x, f32x4.splat(-87.0));
  const rounded = f32x4.add(f32x4.mul(clamped, f32x4.splat(1.44269504088896341)), f32x4.splat(rounder));
  const n = f32x4.sub(rounded, f32x4.splat(rounder));
  // ln 2 in two parts, so that the remainder keeps its bits.
  const r = f32x4.sub(
    f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375))),
    f32x4.mul(n, f32x4.splat(-2.12194440e-4)),
  );
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  const e = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1.0));
  const power = i32x4.add(i32x4.shl(rounded, 23), i32x4.splat(127 << 23));
  return f32x4.mul(e, power);
}

/**
 * Turns `count` scores into e^(scale · (score − max)) and returns their sum. Up to three more, which pad them to a
 * multiple of four, become e^−87: nothing beside a sum of at least 1. Partial sums go by position modulo four, so the
 * result depends on the row's own scores alone.
 */
export function exponentiate(scores: usize, count: i32, scale: f32): f32 {
  const padded = (count + 3) & ~3;
  for (let i = count; i < padded; i++) store<f32>(scores + (<usize>i << 2), -Infinity);
  let max4 = f32x4.splat(-Infinity);
  for (let i = 0; i < padded; i += 4) max4 = f32x4.pmax(max4, v128.load(scores + (<usize>i << 2)));
  const max = f32x4.splat(largestOf(max4));
  const scale4 = f32x4.splat(scale);
  let sum4 = f32x4.splat(0);
  for (let i = 0; i < padded; i += 4) {
    const at = scores + (<usize>i << 2);
    const e = exp4(f32x4.mul(f32x4.sub(v128.load(at), max), scale4));
    v128.store(at, e);
    sum4 = f32x4.add(sum4, e);
  }
  return sumOf(sum4);
}
