import { weightPlans } from '@tessera/onnx-graph';
import { expect, it } from 'vitest';
import { formatQuantization } from './format-quantization.js';
import type { QuantizationReport } from './quantization-report.js';

const outlier = { prompt: 'ocr_1', row: 4, channel: 7, peak: 12.34 };
const matrix = { name: 'm', kind: 'int8', error: 0.01, worstRow: { row: 3, error: 0.02, peak: 6 } } as const;

const report: QuantizationReport = {
  modelRevision: 'r',
  weights: weightPlans.int8,
  kvDtype: 'int8',
  numPrompts: 2,
  numSameAnswers: 1,
  comparison: {
    blocks: [],
    layers: [{ name: 'layer 0', numRows: 9, meanError: 0.0123, largestError: 0.05, meanCosine: 0.9999, outlier }],
    logits: {
      meanDivergence: 0.001,
      largestDivergence: 0.02,
      agreement: { count: 3, total: 4 },
      reference: { fp32: { count: 3, total: 3 }, quantized: { count: 2, total: 3 } },
    },
  },
  scores: { fp32: { ocr: { exact: 50 } }, quantized: { ocr: { exact: 40 } } },
  matrices: [matrix],
};

it('prints layers, logits, scores beside fp32 and the worst matrices', () => {
  expect(formatQuantization(report)).toMatchInlineSnapshot(`
    "decoder=int8,head=int8,tower=int8,merger=int8, int8 KV, against fp32 on 2 prompts

    Residual stream
      after    rows  mean error  largest  1 − cosine     outlier  channel  at
      layer 0     9      1.23 %   5.00 %      1.0e-4  12.3 × rms        7  ocr_1, row 4

    Logits, earlier tokens given
      KL divergence                       mean 1.00e-3, largest 2.00e-2 nats
      same likeliest token as fp32        75.00 % (3 of 4)
      the answer's next token, quantised  66.67 % (2 of 3)
      the answer's next token, fp32       100.00 % (3 of 3)
      same free answer as fp32            50.00 % (1 of 2)

    Scores of free answers, %
      task  measure  fp32  quantised
      ocr   exact    50.0       40.0

    Stored matrices against the published ones
      matrix  form   error  worst row  its error   its peak
      m       int8  1.00 %          3     2.00 %  6.0 × rms"
  `);
});

it('leaves scores out where nothing was scored', () => {
  expect(formatQuantization({ ...report, scores: undefined })).not.toContain('Scores');
});

it('lists twelve matrices and counts the others', () => {
  const text = formatQuantization({ ...report, matrices: new Array(14).fill(matrix) });
  expect(text.match(/^ {2}m /gm)).toHaveLength(12);
  expect(text).toContain('… and 2 more');
});
