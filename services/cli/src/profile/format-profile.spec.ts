import { expect, it } from 'vitest';
import { examplePhase } from '../testing/example-phase.js';
import { formatPhase } from './format-profile.js';

it('prints the step with and without profiling, its parts, operations and longest nodes', () => {
  expect(formatPhase(examplePhase, 2)).toBe(
    `
decode, B = 8, context 1024, median of 5
step  90.00 ms, 100.00 ms with profiling
host  31.1 – 41.7 % of the step (28.00 – 37.50 ms)

part of the step  runs      ms    share  kernels  waiting   host
between-*            2   60.00   60.0 %    37.00     5.00  18.00
head                 1   10.00   10.0 %     9.00     0.00   1.00
attention                 8.00    8.0 %     8.00     0.00   0.00
all-reduce                3.00    3.0 %     0.00     3.00   0.00
sampling                  4.00    4.0 %     0.00     0.00   4.00
rest                     15.00   15.0 %     0.00     0.00  15.00
step                    100.00  100.0 %    54.00     8.00  38.00

operation  calls     ms   share  waiting
Gemm           3  31.00  31.0 %     0.00
Mul            1  20.00  20.0 %     5.00

node of every layer  operation  calls     ms   share  waiting
self_attn/q_proj     Gemm           2  22.00  22.0 %     0.00
mlp                  Mul            1  20.00  20.0 %     5.00
1 more                              1   9.00   9.0 %     0.00
`.trim(),
  );
});

it('counts no nodes that are left out when all are listed', () => {
  expect(formatPhase(examplePhase, 3)).not.toContain('more');
});
