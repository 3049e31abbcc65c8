import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTessera, sharedEngineCache } from './support/tessera-process.js';

interface Span {
  readonly cat: 'step' | 'graph' | 'operation';
  readonly name: string;
  readonly pid: number;
  readonly ts: number;
  readonly dur: number;
}

const phases = [
  'prefill, 40 tokens',
  'decode, B = 1, context 64',
  'decode, B = 3, context 64',
  'image encode, 56 × 56',
];

describe('tessera profile of the bundled model', () => {
  let dir: string;
  let output: string;
  let page: string;
  let spans: readonly Span[];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tessera-profile-test-'));
    const files = { html: join(dir, 'flame.html'), trace: join(dir, 'trace.json') };
    const workload = ['--prefill', '40', '--batch', '1,3', '--context', '64', '--image', '56', '--repeat', '2'];
    const caches = ['--engine-cache', sharedEngineCache];
    const outputs = ['--html', files.html, '--trace', files.trace];
    const profile = runTessera(['profile', 'models/tessera-tiny', ...caches, ...workload, ...outputs]);
    expect(await profile.exited, profile.output).toBe(0);
    output = profile.output;
    page = await readFile(files.html, 'utf8');
    spans = JSON.parse(await readFile(files.trace, 'utf8')).traceEvents.filter(({ ph }: { ph: string }) => ph === 'X');
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('prints each phase with shares that add up to the whole step', () => {
    const tables = [...output.matchAll(/^part of the step .*\n((?:.+\n)+)/gm)].map(([, rows]) =>
      rows.trim().split('\n'),
    );
    expect(tables).toHaveLength(phases.length);
    for (const rows of tables) {
      const shares = rows.map((row) => Number(/([\d.]+) %/.exec(row)?.[1]));
      const [total] = shares.splice(-1);
      expect(total).toBe(100);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
    }
    for (const title of phases) expect(output).toContain(`${title}, median of 2\nstep `);
    expect(output.match(/^host {2}[\d.]+ – [\d.]+ % of the step/gm)).toHaveLength(phases.length);
  });

  it.each(phases.map((title, i) => ({ title, pid: i + 1 })))(
    'nests operations in graphs in the step: $title',
    (phase) => {
      const within = (cat: Span['cat']) => spans.filter((span) => span.pid === phase.pid && span.cat === cat);
      const [step] = within('step');
      const graphs = within('graph');
      const operations = within('operation');
      expect(graphs.length).toBeGreaterThan(0);
      expect(operations.length).toBeGreaterThan(graphs.length);
      // Ends are rounded to microseconds, each on its own.
      const lies = (inner: Span, outer: Span) =>
        inner.ts >= outer.ts && inner.ts + inner.dur <= outer.ts + outer.dur + 2;
      for (const graph of graphs) expect(lies(graph, step), graph.name).toBe(true);
      for (const operation of operations) {
        expect(
          graphs.some((graph) => lies(operation, graph)),
          operation.name,
        ).toBe(true);
      }
      const sum = (parts: readonly Span[]) => parts.reduce((total, { dur }) => total + dur, 0);
      expect(sum(operations)).toBeLessThanOrEqual(sum(graphs));
      expect(sum(graphs)).toBeLessThanOrEqual(step.dur);
    },
  );

  it('runs every graph of the decoder once in a decode step', () => {
    const graphs = spans.filter(({ pid, cat }) => pid === 2 && cat === 'graph').map(({ name }) => name);
    expect(new Set(graphs).size).toBe(graphs.length);
    expect(graphs.at(-1)).toMatch(/head/);
  });

  it('writes a page with a flame of each phase', () => {
    for (const title of phases) expect(page).toContain(JSON.stringify({ name: title }).slice(1, -1));
  });
});
