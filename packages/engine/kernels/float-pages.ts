import { pageLen } from './job';

/*
 * A page of one KV head in float32. Keys lie position by position within a dimension, so that a vector holds four
 * positions; values lie dimension by dimension within a position:
 *
 *     keys    [headDim][16]        values   [16][headDim]
 */

/** Scores of one page for two heads: 16 each, query · key. */
export function scorePage2(q0: usize, q1: usize, keys: usize, headDim: i32, s0: usize, s1: usize): void {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let d = 0; d < headDim; d++) {
    const k0 = v128.load(keys, 0), k1 = v128.load(keys, 16), k2 = v128.load(keys, 32), k3 = v128.load(keys, 48);
    const x = v128.load_splat<f32>(q0);
    const y = v128.load_splat<f32>(q1);
    a0 = f32x4.add(a0, f32x4.mul(k0, x));
    a1 = f32x4.add(a1, f32x4.mul(k1, x));
    a2 = f32x4.add(a2, f32x4.mul(k2, x));
    a3 = f32x4.add(a3, f32x4.mul(k3, x));
    b0 = f32x4.add(b0, f32x4.mul(k0, y));
    b1 = f32x4.add(b1, f32x4.mul(k1, y));
    b2 = f32x4.add(b2, f32x4.mul(k2, y));
    b3 = f32x4.add(b3, f32x4.mul(k3, y));
    keys += pageLen << 2;
    q0 += 4;
    q1 += 4;
  }
  storePage(s0, a0, a1, a2, a3);
  storePage(s1, b0, b1, b2, b3);
}

/** The same for one head. */
export function scorePage1(q: usize, keys: usize, headDim: i32, s: usize): void {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let d = 0; d < headDim; d++) {
    const x = v128.load_splat<f32>(q);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(keys, 0), x));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(keys, 16), x));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(keys, 32), x));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(keys, 48), x));
    keys += pageLen << 2;
    q += 4;
  }
  storePage(s, a0, a1, a2, a3);
}

// @ts-expect-error: decorator
@inline
function storePage(s: usize, a0: v128, a1: v128, a2: v128, a3: v128): void {
  v128.store(s, a0, 0);
  v128.store(s, a1, 16);
  v128.store(s, a2, 32);
  v128.store(s, a3, 48);
}

/** Adds weights · values of one page to four heads' accumulators; `stride` bytes lie between heads' weights and sums. */
export function mixPage4(
  weights: usize,
  weightStride: usize,
  count: usize,
  values: usize,
  headDim: usize,
  sums: usize,
): void {
  const sumStride = headDim << 2;
  const p0 = weights, p1 = p0 + weightStride, p2 = p1 + weightStride, p3 = p2 + weightStride;
  for (let d: usize = 0; d < sumStride; d += 32) {
    const o0 = sums + d, o1 = o0 + sumStride, o2 = o1 + sumStride, o3 = o2 + sumStride;
    let a0 = v128.load(o0, 0), a1 = v128.load(o0, 16);
    let b0 = v128.load(o1, 0), b1 = v128.load(o1, 16);
    let c0 = v128.load(o2, 0), c1 = v128.load(o2, 16);
    let e0 = v128.load(o3, 0), e1 = v128.load(o3, 16);
    let v = values + d;
    for (let i: usize = 0; i < count << 2; i += 4) {
      const v0 = v128.load(v, 0), v1 = v128.load(v, 16);
      const x = v128.load_splat<f32>(p0 + i);
      a0 = f32x4.add(a0, f32x4.mul(v0, x));
      a1 = f32x4.add(a1, f32x4.mul(v1, x));
      const y = v128.load_splat<f32>(p1 + i);
      b0 = f32x4.add(b0, f32x4.mul(v0, y));
      b1 = f32x4.add(b1, f32x4.mul(v1, y));
      const z = v128.load_splat<f32>(p2 + i);
      c0 = f32x4.add(c0, f32x4.mul(v0, z));
      c1 = f32x4.add(c1, f32x4.mul(v1, z));
      const w = v128.load_splat<f32>(p3 + i);
      e0 = f32x4.add(e0, f32x4.mul(v0, w));
      e1 = f32x4.add(e1, f32x4.mul(v1, w));
      v += sumStride;
    }
    v128.store(o0, a0, 0);
    v128.store(o0, a1, 16);
    v128.store(o1, b0, 0);
    v128.store(o1, b1, 16);
    v128.store(o2, c0, 0);
    v128.store(o2, c1, 16);
    v128.store(o3, e0, 0);
    v128.store(o3, e1, 16);
  }
}

/** The same for one head. */
export function mixPage1(weights: usize, count: usize, values: usize, headDim: usize, sums: usize): void {
  const rowBytes = headDim << 2;
  for (let d: usize = 0; d < rowBytes; d += 32) {
    let a0 = v128.load(sums + d, 0), a1 = v128.load(sums + d, 16);
    let v = values + d;
    for (let i: usize = 0; i < count << 2; i += 4) {
      const x = v128.load_splat<f32>(weights + i);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(v, 0), x));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(v, 16), x));
      v += rowBytes;
    }
    v128.store(sums + d, a0, 0);
    v128.store(sums + d, a1, 16);
  }
}
