import { fileURLToPath } from 'node:url';
import { runVerify, type VerifyOptions, VerifyReport } from '@tessera/cli';
import { weightPlans } from '@tessera/onnx-graph';

export const goldensDir = fileURLToPath(new URL('../goldens', import.meta.url));

/** The report on a folder; by default prompts run whole, alone and on one rank. */
export async function verifyGoldens(
  dir: string,
  options: Pick<VerifyOptions, 'cacheDir'> & Partial<VerifyOptions>,
): Promise<VerifyReport> {
  const report = new VerifyReport();
  const defaults: Omit<VerifyOptions, 'cacheDir'> = {
    weights: weightPlans.fp32,
    kernel: 'wasm',
    chunkLens: [Number.POSITIVE_INFINITY],
    batchSizes: [1],
    numRanks: [1],
    onProgress: () => {},
  };
  await runVerify(dir, { ...defaults, ...options }, report);
  return report;
}
