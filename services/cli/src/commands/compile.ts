import { ServingError } from '@tessera/domain';
import { type PrepareOptions, prepareEngine } from '@tessera/engine';
import {
  type CompiledEngine,
  type EngineOptions,
  type OpInvariance,
  parseWeightPlan,
  type RowInvariance,
  rowTile,
  servingOptions,
} from '@tessera/onnx-graph';
import { formatQuantity } from '@tessera/runtime';
import { standaloneConfigSchema } from '@tessera/standalone';
import { Command } from 'commander';
import { createCompileProgress } from '../compile-progress.js';
import { addConfigOptions, readConfig } from '../config-options.js';
import { alignColumns } from '../inspect/align-columns.js';
import { untilInterrupted } from '../until-interrupted.js';

/** `tessera compile`: an engine ahead of its first use. */
export function compileCommand(): Command {
  const command = new Command('compile')
    .description('Compile a checkpoint folder into the engine cache and show what the row-invariance probe found.')
    .argument('<checkpoint>', 'checkpoint folder');
  return addConfigOptions(command, standaloneConfigSchema, ['tp', 'weights', 'engineCache', 'threads']).action(compile);
}

async function compile(checkpoint: string, overrides: Record<string, unknown>): Promise<void> {
  const {
    tp: numRanks,
    weights,
    engineCache: cacheDir,
    threads: numThreads,
  } = readConfig(standaloneConfigSchema, overrides);
  const options = servingOptions(parseWeightPlan(weights), numRanks);
  const startMs = performance.now();
  const engine = await untilInterrupted((signal) => prepare(checkpoint, options, { cacheDir, numThreads, signal }));
  console.log(formatEngine(engine, performance.now() - startMs));
}

/** With a progress bar; throws `cancelled` when it is interrupted, in whatever work the signal comes. */
async function prepare(checkpoint: string, options: EngineOptions, where: PrepareOptions): Promise<CompiledEngine> {
  const progress = createCompileProgress();
  try {
    return await prepareEngine(checkpoint, options, { ...where, onProgress: progress.onProgress });
  } catch (cause) {
    if (!where.signal?.aborted) throw cause;
    throw new ServingError('cancelled', 'Interrupted: no engine was kept.', {}, { cause });
  } finally {
    progress.finish();
  }
}

function formatEngine({ dir, manifest, isReused }: CompiledEngine, durationMs: number): string {
  const numBytes = manifest.files.reduce((sum, file) => sum + file.numBytes, 0);
  const facts = [
    ['engine', dir],
    ['revision', manifest.modelRevision],
    ['size', `${formatQuantity(numBytes, 'bytes')} in ${manifest.files.length} files`],
    ['ranks', String(manifest.options.numRanks)],
    [isReused ? 'found in' : 'compiled in', `${(durationMs / 1000).toFixed(1)} s`],
  ];
  const table = manifest.rowInvariance ? ['', ...formatInvariance(manifest.rowInvariance)] : [];
  return [...alignColumns(facts, ['left', 'left']), ...table].join('\n');
}

function formatInvariance({ ops, numThreads, isDecoderInvariant, isTileInvariant }: RowInvariance): string[] {
  const rows = [['part', 'op', 'K', 'N', 'dtype', 'any number of rows', `among ${rowTile}`], ...ops.map(formatOp)];
  return [
    `Row invariance with ${numThreads} threads`,
    ...alignColumns(rows, ['left', 'left', 'right', 'right', 'left', 'left', 'left']),
    `the decoder is ${isDecoderInvariant ? '' : 'not '}row-invariant; with --deterministic it is${isTileInvariant ? '' : ' not'}`,
  ];
}

/** Ascending numbers, neighbours joined: 2–5, 64. */
function formatRanges(numbers: readonly number[]): string {
  const ranges: number[][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.at(-1) === number - 1) last[1] = number;
    else ranges.push([number]);
  }
  return ranges.map((range) => range.join('–')).join(', ');
}

function formatOp({ part, op, k, n, dtype, ...found }: OpInvariance): string[] {
  const differences = `differs at ${formatRanges(found.differingRowCounts)} rows`;
  const inTiles = found.isTileInvariant ? 'invariant' : 'differs';
  return [part, op, String(k), String(n), dtype, found.isRowInvariant ? 'invariant' : differences, inTiles];
}
