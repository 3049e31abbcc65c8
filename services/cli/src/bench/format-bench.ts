import { basename } from 'node:path';
import { formatQuantity } from '@tessera/runtime';
import { alignColumns } from '../inspect/align-columns.js';
import { type BenchResult, type DecodeFigure, median, type Timings } from './bench-engine.js';

export interface BenchSubject {
  readonly checkpoint: string;
  readonly weights: string;
  readonly contextLen: number;
  /** Undefined when the engine was found in the cache. */
  readonly compileMs: number | undefined;
}

/** The figures of a run as they are printed and kept. */
export function formatBench(subject: BenchSubject, result: BenchResult, machine: string): string {
  const compiled = subject.compileMs === undefined ? [] : [['compile', seconds(subject.compileMs), '']];
  const rows = [
    ['', 'min / median / max', ''],
    ...compiled,
    ['load decoder', seconds(result.loadDecoderMs), ''],
    ['load tower', seconds(result.loadEncoderMs), ''],
    ...result.prefill.map(({ numTokens, ms }) => [
      `prefill ${numTokens}`,
      spread(ms),
      `${perSecond(numTokens, ms)} tok/s`,
    ]),
    ...result.decode.map((figure) => [`decode B = ${figure.batchSize}`, spread(figure.stepMs), describeDecode(figure)]),
    ...result.encode.map(({ side, numTokens, ms }) => [`encode ${side}²`, spread(ms), `${numTokens} tokens`]),
    ['memory', formatQuantity(result.memory.anonymousBytes + result.memory.sharedBytes, 'bytes'), 'private and shared'],
    ['peak', formatQuantity(result.memory.peakResidentBytes, 'bytes'), 'mapped files included'],
  ];
  const title = `${basename(subject.checkpoint)}, ${subject.weights}, context ${subject.contextLen}`;
  return [title, machine, '', ...alignColumns(rows, ['left', 'right', 'left'])].join('\n');
}

function describeDecode({ batchSize, stepMs, parts }: DecodeFigure): string {
  const share = (ms: number): string => `${((100 * ms) / parts.totalMs).toFixed(0)} %`;
  const host = parts.totalMs - parts.matmulMs - parts.attentionMs - parts.samplingMs - parts.allReduceMs;
  const shares = [
    `matmul ${share(parts.matmulMs)}`,
    `attention ${share(parts.attentionMs)}`,
    `sampling ${share(parts.samplingMs)}`,
    `host ${share(host)}`,
  ];
  return `${perSecond(batchSize, stepMs)} tok/s: ${shares.join(', ')}`;
}

const perSecond = (count: number, ms: Timings): string => ((1000 * count) / median(ms)).toFixed(1);
const spread = (ms: Timings): string =>
  `${[ms[0], median(ms), ms[ms.length - 1]].map((t) => t.toFixed(1)).join(' / ')} ms`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
