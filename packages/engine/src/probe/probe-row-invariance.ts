import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type EngineManifest,
  fewRowForms,
  type OpInvariance,
  type ProbeGraph,
  probeGraphs,
  type RowInvariance,
  rowTile,
  tensorsOf,
  type WeightIndex,
} from '@tessera/onnx-graph';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { createSession } from '../ort/create-session.js';
import { createRandom } from './seeded-random.js';

/** Row counts at which ONNX Runtime's kernels are known to switch their way of working. */
const rowCounts = [...Array.from({ length: 17 }, (_, i) => i + 1), 64, 512];
const numRandomSlots = 2;

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
  for (const [i, { probe, weights }] of planProbes(manifest).entries()) {
    signal?.throwIfAborted();
    const session = await loadProbe(engineDir, `probe-${i}.onnx`, probe, weights, numThreads);
    try {
      ops.push(await probeOperation(session, probe));
    } finally {
      await session.release();
    }
  }
  const decoderOps = ops.filter(({ part }) => part === 'decoder');
  const isKeptTwice = manifest.decoder.ranks[0].fewRows !== undefined;
  return {
    numThreads,
    isDecoderInvariant: !isKeptTwice && decoderOps.every(({ isRowInvariant }) => isRowInvariant),
    isTileInvariant: decoderOps.every(({ isTileInvariant }) => isTileInvariant),
    ops,
  };
}

async function probeOperation(session: InferenceSession, probe: ProbeGraph): Promise<OpInvariance> {
  const random = createRandom(1);
  const differingRowCounts = await findDifferences(session, probe, random);
  const isTileInvariant = await isInvariantAmong(rowTile, session, probe, random);
  const { part, op, k, n, dtype } = probe;
  return {
    part,
    op,
    k,
    n,
    dtype,
    isRowInvariant: differingRowCounts.length === 0,
    isTileInvariant,
    differingRowCounts,
  };
}

interface PlannedProbe {
  readonly probe: ProbeGraph;
  readonly weights: WeightIndex;
}

function planProbes({ config, decoder, encoder, forms }: EngineManifest): PlannedProbe[] {
  const { shard, weights, fewRows } = decoder.ranks[0];
  const probes = probeGraphs(config, shard, forms).map((probe) => ({
    probe,
    weights: probe.part === 'decoder' ? weights : encoder.weights,
  }));
  const inFewRows = fewRowForms(forms);
  if (!fewRows || !inFewRows) return probes;
  const others = probeGraphs(config, shard, inFewRows).filter(
    ({ part, op, graph }) => part === 'decoder' && op === 'MatMulNBits' && isIn(fewRows.weights, graph),
  );
  return [...probes, ...others.map((probe) => ({ probe, weights: fewRows.weights }))];
}

/** Whether a graph finds all its weights there; those of few rows lack the head. */
function isIn({ locations }: WeightIndex, { weights }: ProbeGraph['graph']): boolean {
  return [...weights.values()].flatMap(tensorsOf).every(({ name }) => name in locations);
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

async function findDifferences(session: InferenceSession, probe: ProbeGraph, random: () => number): Promise<number[]> {
  const row = randomInputs(probe, 1, random);
  const alone = await runRows(session, probe, row, 1);
  const differing: number[] = [];
  for (const numRows of rowCounts) {
    const results = await runInSlots(session, probe, row, numRows, random);
    if (!results.every((result) => isBitEqual(result, alone))) differing.push(numRows);
  }
  return differing;
}

async function isInvariantAmong(
  numRows: number,
  session: InferenceSession,
  probe: ProbeGraph,
  random: () => number,
): Promise<boolean> {
  const row = randomInputs(probe, 1, random);
  const [first, ...others] = await runInSlots(session, probe, row, numRows, random);
  return others.every((result) => isBitEqual(result, first));
}

/** Results of one row in the first, the last and random slots among random rows. */
async function runInSlots(
  session: InferenceSession,
  probe: ProbeGraph,
  row: Inputs,
  numRows: number,
  random: () => number,
): Promise<Float32Array[]> {
  const inner = Array.from({ length: numRandomSlots }, () => Math.floor(random() * numRows));
  const results: Float32Array[] = [];
  for (const slot of new Set([0, numRows - 1, ...inner])) {
    const inputs = randomInputs(probe, numRows, random);
    for (const [name, values] of Object.entries(inputs)) values.set(row[name], slot * probe.inputs[name]);
    const y = await runRows(session, probe, inputs, numRows);
    results.push(y.subarray(slot * probe.n, (slot + 1) * probe.n));
  }
  return results;
}

function isBitEqual(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => Object.is(value, b[i]));
}

type Inputs = Readonly<Record<string, Float32Array>>;

function randomInputs({ inputs }: ProbeGraph, numRows: number, random: () => number): Inputs {
  const values = ([name, rowLen]: [string, number]) =>
    [name, Float32Array.from({ length: numRows * rowLen }, () => 4 * random() - 2)] as const;
  return Object.fromEntries(Object.entries(inputs).map(values));
}

async function runRows(
  session: InferenceSession,
  { inputs, output }: ProbeGraph,
  values: Inputs,
  numRows: number,
): Promise<Float32Array> {
  const feeds = Object.fromEntries(
    Object.entries(values).map(([name, data]) => [name, new Tensor('float32', data, [numRows, inputs[name]])]),
  );
  return (await session.run(feeds))[output].data as Float32Array;
}
