import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { narrowToBf16, widenToFloat32 } from '@tessera/onnx-graph';
import { bundledModelDir } from '@tessera/standalone';
import { locateTensor } from './locate-tensor.js';

/** Every 128th of the 512 channels between up_proj and down_proj. */
const channelStride = 128;
const numLayers = 4;

/**
 * Copies the bundled model to `dir`, a few channels between up_proj and down_proj multiplied by `factor` and divided by
 * it again. A power of two changes no bit of what floats compute, but with 64 the channels stick out of down_proj's
 * input rows, with 1/64 out of the rows of its weights.
 */
export function writeOutlierCheckpoint(dir: string, factor: number): void {
  cpSync(bundledModelDir, dir, { recursive: true });
  const path = join(dir, 'model.safetensors');
  const file = readFileSync(path);
  for (let layer = 0; layer < numLayers; layer++) {
    const mlp = `model.layers.${layer}.mlp`;
    scaleValues(file, `${mlp}.up_proj.weight`, factor, (row) => row);
    scaleValues(file, `${mlp}.down_proj.weight`, 1 / factor, (_, column) => column);
  }
  writeFileSync(path, file);
}

/** Multiplies the bf16 values of an outlier's channel. */
function scaleValues(
  file: Buffer,
  tensor: string,
  factor: number,
  channelOf: (row: number, column: number) => number,
): void {
  const { offset, numBytes, shape } = locateTensor(file, tensor);
  const numColumns = shape[1]!;
  const values = widenToFloat32(file.subarray(offset, offset + numBytes), 'BF16');
  const scaled = values.map((value, i) => {
    const channel = channelOf(Math.floor(i / numColumns), i % numColumns);
    return channel % channelStride === 0 ? value * factor : value;
  });
  file.set(new Uint8Array(narrowToBf16(scaled).buffer), offset);
}
