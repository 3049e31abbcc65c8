import type { EngineManifest } from '@tessera/onnx-graph';
import type { Tensor } from 'onnxruntime-node';
import type { PagedAttention } from '../attention/paged-attention.js';
import { closeAll, closingOnFailure } from '../close-all.js';
import type { Collective } from '../collective/collective.js';
import {
  createRowSession,
  type RowSession,
  type RowSessionOptions,
  type RowTensors,
  rowTensor,
} from '../ort/row-session.js';
import type { StepBatch } from './step-batch.js';
import type { Stopwatch } from './stopwatch.js';

/** All layers of one rank: from input embeddings to the residual stream [numRows, hiddenSize] after the last layer. */
export interface DecoderLayers {
  /** `onLayer` sees the residual stream after each layer. */
  run(batch: StepBatch, stopwatch: Stopwatch, onLayer?: (residual: Float32Array) => void): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface LayerDeps {
  readonly engineDir: string;
  readonly manifest: EngineManifest;
  readonly rank: number;
  readonly attention: PagedAttention;
  readonly collective: Collective;
  readonly sessionOptions: RowSessionOptions;
}

/** Loads a rank's layers as its engine was cut; with row tiles, one form of a decoder kept twice serves all steps. */
export async function createDecoderLayers(deps: LayerDeps): Promise<DecoderLayers> {
  const { graphs, fewRows } = deps.manifest.decoder.ranks[deps.rank];
  return closingOnFailure(async (keep) => {
    const load = async (paths: readonly string[]): Promise<DecoderLayers> => {
      const sessions: RowSession[] = [];
      for (const path of paths) sessions.push(keep(await createRowSession(deps.engineDir, path, deps.sessionOptions)));
      return deps.manifest.options.cut === 'attention'
        ? new FusedLayers(sessions, deps)
        : new ReducedLayers(sessions, deps);
    };
    const layers = await load(graphs.slice(0, -1));
    if (!fewRows || deps.sessionOptions.rowTile) return layers;
    return new LayersByRows(await load(fewRows.graphs), fewRows.maxRows, layers);
  });
}

/** A decoder kept twice: one form for steps of few rows, the other for the rest. */
class LayersByRows implements DecoderLayers {
  readonly #few: DecoderLayers;
  readonly #maxFewRows: number;
  readonly #many: DecoderLayers;

  constructor(few: DecoderLayers, maxFewRows: number, many: DecoderLayers) {
    this.#few = few;
    this.#maxFewRows = maxFewRows;
    this.#many = many;
  }

  run(batch: StepBatch, stopwatch: Stopwatch, onLayer?: (residual: Float32Array) => void): Promise<Float32Array> {
    const layers = batch.numRows <= this.#maxFewRows ? this.#few : this.#many;
    return layers.run(batch, stopwatch, onLayer);
  }

  close(): Promise<void> {
    return closeAll([this.#few, this.#many]);
  }
}

/** Cut at attention only: one graph between two attentions. */
class FusedLayers implements DecoderLayers {
  readonly #sessions: readonly RowSession[];
  readonly #deps: LayerDeps;

  constructor(sessions: readonly RowSession[], deps: LayerDeps) {
    this.#sessions = sessions;
    this.#deps = deps;
  }

  async run(batch: StepBatch, stopwatch: Stopwatch, onLayer?: (residual: Float32Array) => void): Promise<Float32Array> {
    const rotary = rotaryFeeds(batch);
    let residual = rowTensor(batch.inputEmbeds, batch.numRows);
    let attn: Tensor | undefined;
    for (const [layer, session] of this.#sessions.entries()) {
      const isLast = layer === this.#sessions.length - 1;
      const feeds: RowTensors = { residual, ...(attn && { attn }), ...(isLast ? {} : rotary) };
      const out = await stopwatch.time('matmulMs', () => session.run(feeds));
      if (layer > 0) {
        residual = out.next_residual;
        onLayer?.(residual.data as Float32Array);
      }
      if (!isLast) attn = await attend(this.#deps.attention, layer, batch, out, stopwatch);
    }
    return residual.data as Float32Array;
  }

  close(): Promise<void> {
    return closeAll(this.#sessions);
  }
}

/** Cut at the all-reduces too: three graphs a layer, the residual stream is kept here. */
class ReducedLayers implements DecoderLayers {
  readonly #sessions: readonly RowSession[];
  readonly #deps: LayerDeps;

  constructor(sessions: readonly RowSession[], deps: LayerDeps) {
    this.#sessions = sessions;
    this.#deps = deps;
  }

  async run(batch: StepBatch, stopwatch: Stopwatch, onLayer?: (residual: Float32Array) => void): Promise<Float32Array> {
    const { attention } = this.#deps;
    const rotary = rotaryFeeds(batch);
    const residual = Float32Array.from(batch.inputEmbeds);
    const x = rowTensor(residual, batch.numRows);
    for (let layer = 0; layer < this.#sessions.length / 3; layer++) {
      const [attentionIn, attentionOut, mlp] = this.#sessions.slice(layer * 3, layer * 3 + 3);
      const qkv = await stopwatch.time('matmulMs', () => attentionIn.run({ residual: x, ...rotary }));
      const attn = await attend(attention, layer, batch, qkv, stopwatch);
      await this.#addReduced(residual, await stopwatch.time('matmulMs', () => attentionOut.run({ attn })), stopwatch);
      await this.#addReduced(residual, await stopwatch.time('matmulMs', () => mlp.run({ residual: x })), stopwatch);
      onLayer?.(residual);
    }
    return residual;
  }

  close(): Promise<void> {
    return closeAll(this.#sessions);
  }

  async #addReduced(residual: Float32Array, { partial }: RowTensors, stopwatch: Stopwatch): Promise<void> {
    const sum = await stopwatch.time('allReduceMs', () =>
      this.#deps.collective.allReduceSum(partial.data as Float32Array),
    );
    for (let i = 0; i < residual.length; i++) residual[i] += sum[i];
  }
}

async function attend(
  attention: PagedAttention,
  layer: number,
  batch: StepBatch,
  { q, k, v }: RowTensors,
  stopwatch: Stopwatch,
): Promise<Tensor> {
  const out = new Float32Array(q.size);
  const qkv = { q: q.data as Float32Array, k: k.data as Float32Array, v: v.data as Float32Array };
  await stopwatch.time('attentionMs', () => attention.attend(layer, batch.spans, qkv, out));
  return rowTensor(out, batch.numRows);
}

function rotaryFeeds({ cos, sin, numRows }: StepBatch): RowTensors {
  return { cos: rowTensor(cos, numRows), sin: rowTensor(sin, numRows) };
}
