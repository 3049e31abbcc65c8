import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type EngineManifest,
  type OpInvariance,
  type ProbeGraph,
  probeGraphs,
  type RowInvariance,
  type WeightIndex,
} from '@tessera/onnx-graph';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { createSession } from '../ort/create-session.js';
import { createRandom } from './seeded-random.js';

/** Row counts at which ONNX Runtime's kernels are known to switch their way of working. */
const rowCounts = [...Array.from({ length: 17 }, (_, i) => i + 1), 64, 512];
const slotsPerCount = 3;

/**
 * Finds out, for every distinct operation of an engine, whether one row's result is bit-equal whatever the other rows
 * are: the row is run alone and then in random slots among random rows (architecture §3.5). Throws the signal's reason
 * when it aborts, after the operation it is at.
 */
export async function probeRowInvariance(
  engineDir: string,
  manifest: EngineManifest,
  numThreads: number,
  signal?: AbortSignal,
): Promise<RowInvariance> {
  const ops: OpInvariance[] = [];
  for (const [i, probe] of probeGraphs(manifest.config, manifest.decoder.ranks[0].shard, manifest.forms).entries()) {
    signal?.throwIfAborted();
    const weights = probe.part === 'decoder' ? manifest.decoder.ranks[0].weights : manifest.encoder.weights;
    const session = await loadProbe(engineDir, `probe-${i}.onnx`, probe, weights, numThreads);
    const differingRowCounts = await findDifferences(session, probe);
    await session.release();
    const { part, op, k, n, dtype } = probe;
    const isRowInvariant = differingRowCounts.length === 0;
    ops.push({ part, op, k, n, dtype, isRowInvariant, differingRowCounts });
  }
  const isDecoderInvariant = ops.every(({ part, isRowInvariant }) => part === 'encoder' || isRowInvariant);
  return { numThreads, isDecoderInvariant, ops };
}

/** The probe's graph lies beside the weights that it borrows only while it is loaded. */
async function loadProbe(
  engineDir: string,
  name: string,
  { graph }: ProbeGraph,
  weights: WeightIndex,
  numThreads: number,
): Promise<InferenceSession> {
  const path = join(dirname(weights.file), name);
  await mkdir(join(engineDir, dirname(weights.file)), { recursive: true });
  await writeFile(join(engineDir, path), graph.serialize('weights.bin', new Map(Object.entries(weights.locations))));
  try {
    return await createSession(engineDir, path, { numThreads });
  } finally {
    await rm(join(engineDir, path));
  }
}

async function findDifferences(session: InferenceSession, probe: ProbeGraph): Promise<number[]> {
  const random = createRandom(1);
  const row = randomInputs(probe, 1, random);
  const alone = await runRows(session, probe, row, 1);
  const differing: number[] = [];
  for (const numRows of rowCounts) {
    const slots = Array.from({ length: slotsPerCount }, () => Math.floor(random() * numRows));
    for (const slot of new Set(slots)) {
      const inputs = randomInputs(probe, numRows, random);
      for (const [name, values] of Object.entries(inputs)) values.set(row[name], slot * probe.inputs[name]);
      const y = await runRows(session, probe, inputs, numRows);
      const isEqual = alone.every((value, i) => Object.is(value, y[slot * probe.n + i]));
      if (!isEqual && !differing.includes(numRows)) differing.push(numRows);
    }
  }
  return differing;
}

type Inputs = Readonly<Record<string, Float32Array>>;

function randomInputs({ inputs }: ProbeGraph, numRows: number, random: () => number): Inputs {
  const values = ([name, rowLen]: [string, number]) =>
    [name, Float32Array.from({ length: numRows * rowLen }, () => 4 * random() - 2)] as const;
  return Object.fromEntries(Object.entries(inputs).map(values));
}

async function runRows(
  session: InferenceSession,
  { inputs }: ProbeGraph,
  values: Inputs,
  numRows: number,
): Promise<Float32Array> {
  const feeds = Object.fromEntries(
    Object.entries(values).map(([name, data]) => [name, new Tensor('float32', data, [numRows, inputs[name]])]),
  );
  return (await session.run(feeds)).y.data as Float32Array;
}
