/** The largest of four lanes; not a number when a lane is none. */
// @ts-expect-error: decorator
@inline
export function largestOf(x: v128): f32 {
  const a = max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1));
  const b = max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3));
  return max(a, b);
}

/** The sum of four lanes, always added in the same order. */
// @ts-expect-error: decorator
@inline
export function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 1) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}
