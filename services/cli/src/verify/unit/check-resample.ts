import { resizeBicubic } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { GoldenTensor } from '../golden-tensors.js';
import type { VerifyReport } from '../verify-report.js';

const inputPrefix = 'in_';

/** Bicubic resizing, byte for byte: `in_<i>` [height, width, 3] becomes `out_<i>`. */
export async function checkResample(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const tensors = (await folder.readTensors('unit', 'resample.safetensors')) ?? new Map<string, GoldenTensor>();
  for (const [name, input] of tensors) {
    if (!name.startsWith(inputPrefix)) continue;
    const outputName = `out_${name.slice(inputPrefix.length)}`;
    const output = tensors.get(outputName);
    if (!output) throw new Error(`resample.safetensors has no ${outputName}.`);
    const resized = resizeBicubic({ ...sizeOf(input), data: input.bytes }, sizeOf(output));
    report.close(rung, `${name}, ${describe(input)} to ${describe(output)}`, resized.data, output.bytes, 0);
  }
}

function sizeOf({ shape: [height, width] }: GoldenTensor): { height: number; width: number } {
  return { height, width };
}

function describe({ shape: [height, width] }: GoldenTensor): string {
  return `${height} × ${width}`;
}
