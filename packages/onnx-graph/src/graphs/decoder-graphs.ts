import type { ModelConfig, TextConfig } from '@tessera/qwen2-5-vl';
import { sliceOf } from '../checkpoint/weight-slice.js';
import { GraphBuilder, type Value } from '../onnx/graph-builder.js';
import { linear, rmsNorm, rotate, swiGlu } from './layers.js';
import type { ShardPlan } from './shard-plan.js';

/**
 * Where the decoder is cut. Attention over the paged pool is never in a graph; with several ranks the two all-reduces
 * of a layer are cuts as well.
 *
 *     'attention':  x ─[layer 0 in]─ qkv ⇢ attention ⇢ [layer 0 out + layer 1 in] ⇢ … ⇢ [last layer out] ─ x
 *     'allReduce':  x ─[attn in]─ qkv ⇢ attention ⇢ [attn out] ─ partial ⇢ Σ ranks ⇢ x ─[mlp]─ partial ⇢ Σ ranks ⇢ x
 */
export type DecoderCut = 'attention' | 'allReduce';

/** One graph of a rank. */
export interface DecoderGraph {
  readonly name: string;
  readonly graph: GraphBuilder;
}

/** All graphs of one rank, in the order in which a step runs them; the last one is the head. */
export function decoderGraphs(config: ModelConfig, shard: ShardPlan, cut: DecoderCut): DecoderGraph[] {
  const layers = Array.from({ length: config.text.numLayers }, (_, layer) => layer);
  const graphs =
    cut === 'attention'
      ? [...layers, config.text.numLayers].map((layer) => betweenAttentions(config.text, shard, layer))
      : layers.flatMap((layer) => [
          attentionIn(config.text, shard, layer),
          attentionOut(config.text, shard, layer),
          mlp(config.text, shard, layer),
        ]);
  return [...graphs, head(config, shard)];
}

/**
 * From the attention of layer − 1 to that of `layer`; the first has no attention before it, the last none after.
 *
 *     attn [n, q] ─ o_proj ─ + x ─ post norm ─ SwiGLU ─ down ─ + ─ residual [n, h] ─ input norm ─ q, k, v ─ rotate q, k
 */
function betweenAttentions(text: TextConfig, shard: ShardPlan, layer: number): DecoderGraph {
  const name = `between-${index(layer)}`;
  const graph = new GraphBuilder(name);
  let x = graph.input('residual', 'float32', ['n', text.hiddenSize]);
  if (layer > 0) {
    const attn = graph.input('attn', 'float32', ['n', numHeads(shard) * text.headDim]);
    x = graph.node(path(layer - 1, ''), 'Add', [x, outputProjection(graph, text, shard, layer - 1, attn)]);
    x = graph.node(path(layer - 1, 'mlp'), 'Add', [x, feedForward(graph, text, shard, layer - 1, x)]);
    graph.output('next_residual', x, 'float32', ['n', text.hiddenSize]);
  }
  if (layer < text.numLayers) queriesKeysValues(graph, text, shard, layer, x);
  return { name, graph };
}

function attentionIn(text: TextConfig, shard: ShardPlan, layer: number): DecoderGraph {
  const name = `attention-in-${index(layer)}`;
  const graph = new GraphBuilder(name);
  queriesKeysValues(graph, text, shard, layer, graph.input('residual', 'float32', ['n', text.hiddenSize]));
  return { name, graph };
}

function attentionOut(text: TextConfig, shard: ShardPlan, layer: number): DecoderGraph {
  const name = `attention-out-${index(layer)}`;
  const graph = new GraphBuilder(name);
  const attn = graph.input('attn', 'float32', ['n', numHeads(shard) * text.headDim]);
  graph.output('partial', outputProjection(graph, text, shard, layer, attn), 'float32', ['n', text.hiddenSize]);
  return { name, graph };
}

function mlp(text: TextConfig, shard: ShardPlan, layer: number): DecoderGraph {
  const name = `mlp-${index(layer)}`;
  const graph = new GraphBuilder(name);
  const x = graph.input('residual', 'float32', ['n', text.hiddenSize]);
  graph.output('partial', feedForward(graph, text, shard, layer, x), 'float32', ['n', text.hiddenSize]);
  return { name, graph };
}

/** residual [n, h] → final norm [n, h] → this rank's part of the logits [n, vocab]. */
function head({ text, isHeadTied }: ModelConfig, { vocab }: ShardPlan): DecoderGraph {
  const graph = new GraphBuilder('head');
  const { hiddenSize, vocabSize } = text;
  const x = graph.input('residual', 'float32', ['n', hiddenSize]);
  const normed = rmsNorm(graph, '/model/norm', x, 'model.norm.weight', hiddenSize, text.rmsNormEps);
  const tensor = isHeadTied ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const logits = linear(graph, '/lm_head', normed, sliceOf(tensor, [vocabSize, hiddenSize], { rows: vocab }));
  graph.output('final_norm', normed, 'float32', ['n', hiddenSize]);
  graph.output('logits', logits, 'float32', ['n', vocab.end - vocab.start]);
  return { name: 'head', graph };
}

/** Input norm and the column-parallel projections; outputs q, k (rotated) and v. */
function queriesKeysValues(graph: GraphBuilder, text: TextConfig, shard: ShardPlan, layer: number, x: Value): void {
  const { hiddenSize, headDim } = text;
  const cos = graph.input('cos', 'float32', ['n', headDim / 2]);
  const sin = graph.input('sin', 'float32', ['n', headDim / 2]);
  const normPath = path(layer, 'input_layernorm');
  const normed = rmsNorm(graph, normPath, x, tensorName(layer, 'input_layernorm'), hiddenSize, text.rmsNormEps);
  const project = (name: 'q' | 'k' | 'v', heads: { start: number; end: number }, totalHeads: number): Value => {
    const rows = { start: heads.start * headDim, end: heads.end * headDim };
    const weight = sliceOf(`model.layers.${layer}.self_attn.${name}_proj.weight`, [totalHeads * headDim, hiddenSize], {
      rows,
    });
    const bias = sliceOf(`model.layers.${layer}.self_attn.${name}_proj.bias`, [totalHeads * headDim], { rows });
    return linear(graph, path(layer, `self_attn/${name}_proj`), normed, weight, bias);
  };
  const q = project('q', shard.heads, text.numHeads);
  const k = project('k', shard.kvHeads, text.numKvHeads);
  const v = project('v', shard.kvHeads, text.numKvHeads);
  const kvDim = (shard.kvHeads.end - shard.kvHeads.start) * headDim;
  const rotated = (name: string, value: Value): Value =>
    rotate(graph, path(layer, `self_attn/${name}_rotary`), value, cos, sin);
  graph.output('q', rotated('q', q), 'float32', ['n', numHeads(shard) * headDim]);
  graph.output('k', rotated('k', k), 'float32', ['n', kvDim]);
  graph.output('v', v, 'float32', ['n', kvDim]);
}

/** Row-parallel o_proj: attn [n, this rank's heads · d] → its part of [n, h]. */
function outputProjection(g: GraphBuilder, text: TextConfig, shard: ShardPlan, layer: number, attn: Value): Value {
  const { hiddenSize, headDim, numHeads: totalHeads } = text;
  const cols = { start: shard.heads.start * headDim, end: shard.heads.end * headDim };
  const name = `model.layers.${layer}.self_attn.o_proj.weight`;
  const weight = sliceOf(name, [hiddenSize, totalHeads * headDim], { cols });
  return linear(g, path(layer, 'self_attn/o_proj'), attn, weight);
}

/** Post-attention norm, column-parallel gate and up, row-parallel down: x [n, h] → this rank's part of [n, h]. */
function feedForward(g: GraphBuilder, text: TextConfig, shard: ShardPlan, layer: number, x: Value): Value {
  const { hiddenSize, intermediateSize, rmsNormEps } = text;
  const { intermediate, paddedIntermediate } = shard;
  const normPath = path(layer, 'post_attention_layernorm');
  const normed = rmsNorm(g, normPath, x, tensorName(layer, 'post_attention_layernorm'), hiddenSize, rmsNormEps);
  const widen = (name: 'gate_proj' | 'up_proj'): Value => {
    const shape = [intermediateSize, hiddenSize];
    const slice = { rows: intermediate, paddedRows: paddedIntermediate };
    return linear(g, path(layer, `mlp/${name}`), normed, sliceOf(tensorName(layer, `mlp.${name}`), shape, slice));
  };
  const product = swiGlu(g, path(layer, 'mlp'), widen('gate_proj'), widen('up_proj'));
  const down = sliceOf(tensorName(layer, 'mlp.down_proj'), [hiddenSize, intermediateSize], {
    cols: intermediate,
    paddedCols: paddedIntermediate,
  });
  return linear(g, path(layer, 'mlp/down_proj'), product, down);
}

const index = (layer: number): string => String(layer).padStart(3, '0');
const path = (layer: number, part: string): string => `/model/layers.${layer}${part && `/${part}`}`;
const tensorName = (layer: number, part: string): string => `model.layers.${layer}.${part}.weight`;
const numHeads = ({ heads }: ShardPlan): number => heads.end - heads.start;
