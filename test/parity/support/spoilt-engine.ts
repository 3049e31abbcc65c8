import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledEngine } from '@tessera/onnx-graph';

/** Copies a one-rank engine to `dir`, all scales of one of its decoder's matrices multiplied by `factor`. */
export function copyWithScaledMatrix(engine: CompiledEngine, dir: string, matrix: string, factor: number): void {
  cpSync(engine.dir, dir, { recursive: true });
  const { file, locations } = engine.manifest.decoder.ranks[0]!.weights;
  const { offset, numBytes } = locations[`${matrix}.scale`]!;
  const bytes = readFileSync(join(dir, file));
  for (let at = offset; at < offset + numBytes; at += 4) bytes.writeFloatLE(bytes.readFloatLE(at) * factor, at);
  writeFileSync(join(dir, file), bytes);
}
