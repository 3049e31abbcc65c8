import { weightParts } from '@tessera/onnx-graph';
import { type Alignment, alignColumns } from '../inspect/align-columns.js';
import type { Share } from './logit-errors.js';
import type { MatrixError } from './matrix-errors.js';
import type { QuantizationReport } from './quantization-report.js';
import type { RowErrorSummary } from './row-errors.js';
import type { TaskScores } from './score-answers.js';

const maxListedMatrices = 12;

/** The report as text: rows inside the engine, logits, scores, then the matrices of the largest errors. */
export function formatQuantization(report: QuantizationReport): string {
  const { comparison, matrices, scores } = report;
  const { blocks, embeddings, layers } = comparison;
  const sections = [
    [`${describeForms(report)}, against fp32 on ${report.numPrompts} prompts`],
    ['Residual stream', ...formatRows([...blocks, ...(embeddings ? [embeddings] : []), ...layers])],
    ['Logits, earlier tokens given', ...formatLogits(report)],
    ...(scores ? [['Scores of free answers, %', ...formatScores(scores)]] : []),
    ['Stored matrices against the published ones', ...formatMatrices(matrices)],
  ];
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

function describeForms({ weights, kvDtype }: QuantizationReport): string {
  return `${weightParts.map((part) => `${part}=${weights[part]}`).join(',')}, ${kvDtype} KV`;
}

function formatRows(summaries: readonly RowErrorSummary[]): string[] {
  const header = ['after', 'rows', 'mean error', 'largest', '1 − cosine', 'outlier', 'channel', 'at'];
  const rows = summaries.map(({ name, numRows, meanError, largestError, meanCosine, outlier }) => [
    name,
    String(numRows),
    percent(meanError),
    percent(largestError),
    (1 - meanCosine).toExponential(1),
    `${outlier.peak.toFixed(1)} × rms`,
    String(outlier.channel),
    `${outlier.prompt}, row ${outlier.row}`,
  ]);
  return table([header, ...rows], ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'left']);
}

function formatLogits({ comparison: { logits }, numSameAnswers, numPrompts }: QuantizationReport): string[] {
  const { meanDivergence, largestDivergence, agreement, reference } = logits;
  const facts = [
    ['KL divergence', `mean ${meanDivergence.toExponential(2)}, largest ${largestDivergence.toExponential(2)} nats`],
    ['same likeliest token as fp32', formatShare(agreement)],
    ["the answer's next token, quantised", formatShare(reference.quantized)],
    ["the answer's next token, fp32", formatShare(reference.fp32)],
    ['same free answer as fp32', formatShare({ count: numSameAnswers, total: numPrompts })],
  ];
  return table(facts, ['left', 'left']);
}

/** Percent and counts. */
export function formatShare({ count, total }: Share): string {
  return `${percent(count / total)} (${count} of ${total})`;
}

/** One line a task and measure, fp32 beside quantised. */
export function formatScores({
  fp32,
  quantized,
}: {
  readonly fp32: TaskScores;
  readonly quantized: TaskScores;
}): string[] {
  const rows = Object.entries(fp32).flatMap(([task, measures]) =>
    Object.entries(measures).map(([name, value]) => {
      return [task, name, value.toFixed(1), quantized[task][name].toFixed(1)];
    }),
  );
  return table([['task', 'measure', 'fp32', 'quantised'], ...rows], ['left', 'left', 'right', 'right']);
}

function formatMatrices(matrices: readonly MatrixError[]): string[] {
  const header = ['matrix', 'form', 'error', 'worst row', 'its error', 'its peak'];
  const rows = matrices
    .slice(0, maxListedMatrices)
    .map(({ name, kind, error, worstRow }) => [
      name,
      kind,
      percent(error),
      String(worstRow.row),
      percent(worstRow.error),
      `${worstRow.peak.toFixed(1)} × rms`,
    ]);
  const numMore = matrices.length - rows.length;
  return [
    ...table([header, ...rows], ['left', 'left', 'right', 'right', 'right', 'right']),
    ...(numMore > 0 ? [`… and ${numMore} more, all of them in --json`] : []),
  ];
}

function table(rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string[] {
  return alignColumns(rows, alignments).map((line) => `  ${line}`);
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
