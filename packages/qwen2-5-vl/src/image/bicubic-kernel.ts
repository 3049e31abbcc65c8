/** Bits after the point of an integer weight. */
export const fractionBits = 22;

/** Weights of one axis: output i sums `numTaps[i]` inputs from `starts[i]` with weights from `i · maxTaps`. */
export interface AxisKernel {
  readonly starts: Int32Array;
  readonly numTaps: Int32Array;
  readonly weights: Int32Array;
  readonly maxTaps: number;
}

const radius = 2;

/** Antialiased bicubic weights from `inLength` to `outLength` pixels, in the order of operations of Pillow 12. */
export function bicubicKernel(inLength: number, outLength: number): AxisKernel {
  const scale = inLength / outLength;
  const stretch = Math.max(scale, 1);
  const support = radius * stretch;
  const maxTaps = Math.ceil(support) * 2 + 1;
  const kernel: AxisKernel = {
    starts: new Int32Array(outLength),
    numTaps: new Int32Array(outLength),
    weights: new Int32Array(outLength * maxTaps),
    maxTaps,
  };
  const exact = new Float64Array(maxTaps);
  for (let i = 0; i < outLength; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const numTaps = Math.min(inLength, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < numTaps; tap++) {
      const weight = cubic((tap + start - center + 0.5) * (1 / stretch));
      exact[tap] = weight;
      sum += weight;
    }
    kernel.starts[i] = start;
    kernel.numTaps[i] = numTaps;
    for (let tap = 0; tap < numTaps; tap++) {
      const scaled = (exact[tap]! / sum) * 2 ** fractionBits;
      kernel.weights[i * maxTaps + tap] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
  }
  return kernel;
}

/** Keys' cubic convolution kernel with a = −0.5. */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
