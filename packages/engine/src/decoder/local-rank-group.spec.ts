import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServingError } from '@tessera/domain';
import type { EngineManifest } from '@tessera/onnx-graph';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PlainAttention } from '../attention/plain-attention.js';
import { EmbeddingTable } from './embedding-table.js';
import { LocalRankGroup } from './local-rank-group.js';

const world = vi.hoisted(() => ({ open: [] as string[], broken: '', manifest: {} as unknown }));
vi.mock('@tessera/onnx-graph', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  readManifest: async () => world.manifest,
}));
vi.mock('../ort/create-session.js', () => ({
  createSession: async (_engineDir: string, graph: string) => {
    if (graph === world.broken) throw new ServingError('engine_invalid', `No ${graph}.`);
    world.open.push(graph);
    return { release: async () => void world.open.splice(world.open.indexOf(graph), 1) };
  },
}));

const shard = {
  heads: { start: 0, end: 1 },
  kvHeads: { start: 0, end: 1 },
  vocab: { start: 0, end: 4 },
};
const manifest = {
  config: { text: { numLayers: 1, headDim: 8, hiddenSize: 8, maxPositionEmbeddings: 64 } },
  options: { numRanks: 2, cut: 'attention' },
  decoder: {
    ranks: [0, 1].map((rank) => ({ shard, graphs: [`${rank}/layers.0`, `${rank}/layers.1`, `${rank}/head`] })),
  },
  embedding: { file: 'embedding.bin', dtype: 'F32', numRows: 0, rowLen: 8 },
} as unknown as EngineManifest;
const options = {
  numThreads: 1,
  kernel: 'plain',
  numLanes: 1,
  kvCapacityTokens: 16,
  maxStepTokens: 4,
  numTokens: 4,
} as const;

describe('LocalRankGroup', () => {
  let engineDir: string;
  beforeEach(() => {
    engineDir = mkdtempSync(join(tmpdir(), 'tessera-local-rank-group-'));
    writeFileSync(join(engineDir, manifest.embedding.file), '');
    Object.assign(world, { open: [], broken: '', manifest });
  });
  afterEach(() => {
    rmSync(engineDir, { recursive: true });
    vi.restoreAllMocks();
  });

  test('opens every graph of every rank, and closes them', async () => {
    const group = await LocalRankGroup.create(engineDir, options);
    expect(world.open).toHaveLength(6);
    await group.close();
    expect(world.open).toEqual([]);
  });

  test('leaves nothing open when a rank cannot be loaded', async () => {
    world.broken = '1/head';
    const closedTable = vi.spyOn(EmbeddingTable.prototype, 'close');
    const closedAttention = vi.spyOn(PlainAttention.prototype, 'close');
    await expect(LocalRankGroup.create(engineDir, options)).rejects.toThrow('No 1/head.');
    expect(world.open).toEqual([]);
    expect(closedTable).toHaveBeenCalledTimes(2);
    expect(closedAttention).toHaveBeenCalledTimes(2);
  });

  test('closes all ranks when one cannot be closed, and says so', async () => {
    const group = await LocalRankGroup.create(engineDir, options);
    const closedTable = vi.spyOn(EmbeddingTable.prototype, 'close');
    vi.spyOn(PlainAttention.prototype, 'close').mockRejectedValueOnce(new Error('stuck'));
    await expect(group.close()).rejects.toThrow('stuck');
    expect(world.open).toEqual([]);
    expect(closedTable).toHaveBeenCalledTimes(2);
  });

  test('is refused as an invalid engine when the embedding table is missing', async () => {
    rmSync(join(engineDir, manifest.embedding.file));
    const refused = { reason: 'engine_invalid', facts: { file: 'embedding.bin' } };
    await expect(LocalRankGroup.create(engineDir, options)).rejects.toMatchObject(refused);
  });
});
