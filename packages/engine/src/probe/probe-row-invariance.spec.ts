import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineManifest, GraphBuilder, type ProbeGraph, rowTile, weightPlans } from '@tessera/onnx-graph';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { probeRowInvariance } from './probe-row-invariance.js';

const engine = vi.hoisted(() => ({ probes: [] as unknown[] }));
vi.mock('@tessera/onnx-graph', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  probeGraphs: () => engine.probes,
}));

const rowLen = 3;
const weights = { file: join('part', 'weights.bin'), locations: {} };
const manifest = {
  options: {},
  config: {},
  forms: { plan: weightPlans.fp32, packed: {} },
  decoder: { ranks: [{ shard: {}, weights }] },
  encoder: { weights },
} as unknown as EngineManifest;

function createProbe(part: ProbeGraph['part'], op: string, build: (graph: GraphBuilder) => string): ProbeGraph {
  const graph = new GraphBuilder('probe');
  graph.input('x', 'float32', ['n', rowLen]);
  graph.output('y', build(graph), 'float32', ['n', rowLen]);
  return { part, op, k: rowLen, n: rowLen, dtype: 'float32', graph, inputs: { x: rowLen }, output: 'y' };
}

/** y = x², a row for itself. */
const square = (part: ProbeGraph['part']) =>
  createProbe(part, 'Mul', (graph) => graph.node('/probe', 'Mul', ['x', 'x']));

/** y = x − mean of all rows: one row alone gives 0. */
const centre = (part: ProbeGraph['part']) =>
  createProbe(part, 'ReduceMean', (graph) => {
    const mean = graph.node('/probe', 'ReduceMean', ['x', graph.ints('axes', [0])]);
    return graph.node('/probe', 'Sub', ['x', mean]);
  });

describe('probeRowInvariance', () => {
  let engineDir: string;
  beforeAll(async () => {
    engineDir = await mkdtemp(join(tmpdir(), 'tessera-probe-'));
  });
  afterAll(() => rm(engineDir, { recursive: true }));

  const probe = (...probes: readonly ProbeGraph[]) => {
    engine.probes = [...probes];
    return probeRowInvariance(engineDir, manifest, 1);
  };

  test('finds no difference in an operation that treats every row for itself', async () => {
    expect(await probe(square('decoder'))).toEqual({
      numThreads: 1,
      isDecoderInvariant: true,
      isTileInvariant: true,
      ops: [
        expect.objectContaining({
          part: 'decoder',
          op: 'Mul',
          isRowInvariant: true,
          isTileInvariant: true,
          differingRowCounts: [],
        }),
      ],
    });
  });

  test('finds an operation whose rows see each other, at every number of rows above one', async () => {
    const { isDecoderInvariant, ops } = await probe(square('decoder'), centre('decoder'));
    expect(isDecoderInvariant).toBe(false);
    expect(ops.map(({ op, isRowInvariant }) => [op, isRowInvariant])).toEqual([
      ['Mul', true],
      ['ReduceMean', false],
    ]);
    expect(ops[1].differingRowCounts).toEqual([...Array.from({ length: 16 }, (_, i) => i + 2), 64, 512]);
  });

  test('tells an operation that depends on the number of rows from one that depends on the rows', async () => {
    const byCount = createProbe('decoder', 'Shape', (graph) => {
      const shape = graph.node('/probe', 'Shape', ['x'], { end: 1 });
      return graph.node('/probe', 'Mul', ['x', graph.node('/probe', 'Cast', [shape], { to: 1 })]);
    });
    const { isDecoderInvariant, isTileInvariant, ops } = await probe(byCount);
    expect([isDecoderInvariant, isTileInvariant]).toEqual([false, true]);
    expect(ops[0].differingRowCounts).toContain(rowTile);
    expect((await probe(centre('decoder'))).isTileInvariant).toBe(false);
  });

  test('finds a decoder that is kept twice to depend on the number of rows', async () => {
    const [rank] = manifest.decoder.ranks;
    const fewRows = { maxRows: 8, graphs: [], weights };
    const keptTwice = {
      ...manifest,
      forms: { plan: weightPlans['int8+int4'], packed: {} },
      decoder: { ranks: [{ ...rank, fewRows }] },
    };
    engine.probes = [square('decoder')];
    const { isDecoderInvariant, isTileInvariant } = await probeRowInvariance(engineDir, keptTwice, 1);
    expect([isDecoderInvariant, isTileInvariant]).toEqual([false, true]);
  });

  test('holds nothing that the encoder does against the decoder', async () => {
    const { isDecoderInvariant, ops } = await probe(centre('encoder'), square('decoder'));
    expect(isDecoderInvariant).toBe(true);
    expect(ops[0]).toMatchObject({ part: 'encoder', isRowInvariant: false });
  });

  test('leaves no graph of its own in the engine', async () => {
    await probe(square('decoder'));
    expect(await readdir(join(engineDir, 'part'))).toEqual([]);
  });
});
