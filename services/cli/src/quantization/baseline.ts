import { type LogitErrorSummary, LogitErrors } from './logit-errors.js';
import { type RowErrorSummary, RowErrors } from './row-errors.js';
import { RowFile } from './row-file.js';
import { type AnswerTokens, type EngineRow, type EngineSetup, type EvalSuite, runEngine } from './run-engine.js';

/** How an engine differs from the fp32 one. */
export interface EngineComparison {
  /** The residual stream after each block of the tower; empty without pictures. */
  readonly blocks: readonly RowErrorSummary[];
  /** What the tower gives the decoder; absent without pictures. */
  readonly embeddings?: RowErrorSummary;
  /** The residual stream after each layer of the decoder. */
  readonly layers: readonly RowErrorSummary[];
  readonly logits: LogitErrorSummary;
  /** What the engine answers by itself. */
  readonly answers: AnswerTokens;
}

/**
 * What the fp32 engine leaves on a suite; its rows are kept on disk, so that no other engine need be in memory with it.
 * Close it when done.
 */
export class Baseline {
  readonly suite: EvalSuite;
  /** What the fp32 engine answers by itself. */
  readonly answers: AnswerTokens;
  readonly #rows: RowFile;

  private constructor(suite: EvalSuite, answers: AnswerTokens, rows: RowFile) {
    this.suite = suite;
    this.answers = answers;
    this.#rows = rows;
  }

  static async record(setup: EngineSetup, suite: EvalSuite): Promise<Baseline> {
    const rows = new RowFile();
    try {
      const answers = await runEngine(setup, suite, suite.references, ({ values }) => rows.append(values));
      return new Baseline(suite, answers, rows);
    } catch (error) {
      rows.close();
      throw error;
    }
  }

  /** Runs another engine over the same inputs and compares row by row. */
  async compare(setup: EngineSetup): Promise<EngineComparison> {
    const nextRow = this.#rows.reader();
    const errors = new ErrorsByStage();
    const forced = this.suite.references ?? this.answers;
    const answers = await runEngine(setup, this.suite, forced, (row) => errors.add(row, nextRow(row.values.length)));
    return { ...errors.summary, answers };
  }

  close(): void {
    this.#rows.close();
  }
}

class ErrorsByStage {
  readonly #blocks: RowErrors[] = [];
  readonly #embeddings: RowErrors[] = [];
  readonly #layers: RowErrors[] = [];
  readonly #logits = new LogitErrors();

  add({ stage, layer, values, nextToken, prompt, row }: EngineRow, expected: Float32Array): void {
    if (stage === 'logits') {
      this.#logits.add(values, expected, nextToken);
      return;
    }
    const errors = { block: this.#blocks, embedding: this.#embeddings, layer: this.#layers }[stage];
    errors[layer] ??= new RowErrors(stage === 'embedding' ? 'embeddings' : `${stage} ${layer}`);
    errors[layer].add(values, expected, { prompt, row });
  }

  get summary(): Omit<EngineComparison, 'answers'> {
    return {
      blocks: this.#blocks.map(({ summary }) => summary),
      embeddings: this.#embeddings[0]?.summary,
      layers: this.#layers.map(({ summary }) => summary),
      logits: this.#logits.summary,
    };
  }
}
