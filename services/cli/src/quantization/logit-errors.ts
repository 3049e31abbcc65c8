/** Positions at which something holds. */
export interface Share {
  readonly count: number;
  readonly total: number;
}

/** How the next-token distributions differ from those of the fp32 engine, all earlier tokens given. */
export interface LogitErrorSummary {
  /** Kullback–Leibler divergence from the fp32 distribution in nats. */
  readonly meanDivergence: number;
  readonly largestDivergence: number;
  /** Positions whose likeliest token is the fp32 engine's. */
  readonly agreement: Share;
  /** Positions whose likeliest token is the answer's next one, in both engines. */
  readonly reference: { readonly fp32: Share; readonly quantized: Share };
}

/** Compares rows of logits, one after the other. */
export class LogitErrors {
  #numRows = 0;
  #divergenceSum = 0;
  #largestDivergence = 0;
  #numAgreed = 0;
  #numGiven = 0;
  #numFp32Given = 0;
  #numQuantizedGiven = 0;

  /** `nextToken` is what the answer goes on with, where it does. */
  add(actual: Float32Array, expected: Float32Array, nextToken: number | undefined): void {
    const [chosen, wanted] = [argmax(actual), argmax(expected)];
    const divergence = klDivergence(expected, actual);
    this.#numRows += 1;
    this.#divergenceSum += divergence;
    if (!(divergence <= this.#largestDivergence)) this.#largestDivergence = divergence;
    if (chosen === wanted) this.#numAgreed += 1;
    if (nextToken === undefined) return;
    this.#numGiven += 1;
    if (wanted === nextToken) this.#numFp32Given += 1;
    if (chosen === nextToken) this.#numQuantizedGiven += 1;
  }

  get summary(): LogitErrorSummary {
    const total = this.#numGiven;
    return {
      meanDivergence: this.#divergenceSum / this.#numRows,
      largestDivergence: this.#largestDivergence,
      agreement: { count: this.#numAgreed, total: this.#numRows },
      reference: {
        fp32: { count: this.#numFp32Given, total },
        quantized: { count: this.#numQuantizedGiven, total },
      },
    };
  }
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

/** Σ p · (log p − log q) with p and q the softmax of the two rows. */
export function klDivergence(p: Float32Array, q: Float32Array): number {
  const [logSumP, logSumQ] = [logSumExp(p), logSumExp(q)];
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const logP = p[i] - logSumP;
    sum += Math.exp(logP) * (logP - (q[i] - logSumQ));
  }
  return sum;
}

function logSumExp(logits: Float32Array): number {
  const largest = logits[argmax(logits)];
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}
