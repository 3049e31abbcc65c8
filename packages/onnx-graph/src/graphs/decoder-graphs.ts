import type { ModelConfig, TextConfig } from '@tessera/qwen2-5-vl';
import { type Range, sliceOf } from '../checkpoint/weight-slice.js';
import { GraphBuilder, type Value } from '../onnx/graph-builder.js';
import type { MatrixWeight } from '../weights/matrix-weight.js';
import { formOf, type WeightForms } from '../weights/weight-forms.js';
import { addAndNorm, linear, matMul, type Residual, rmsNorm, rotate, rowsOf, swiGlu } from './layers.js';
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

/** What a rank's graphs are built from. */
export interface DecoderParts {
  readonly config: ModelConfig;
  readonly shard: ShardPlan;
  readonly weights: WeightForms;
}

/** All graphs of one rank, in the order in which a step runs them; the last one is the head. */
export function decoderGraphs(parts: DecoderParts, cut: DecoderCut): DecoderGraph[] {
  const { numLayers } = parts.config.text;
  const layers = Array.from({ length: numLayers }, (_, layer) => layer);
  const graphs =
    cut === 'attention'
      ? [...layers, numLayers].map((layer) => betweenAttentions(parts, layer))
      : layers.flatMap((layer) => [attentionIn(parts, layer), attentionOut(parts, layer), mlp(parts, layer)]);
  return [...graphs, head(parts)];
}

/**
 * From the attention of layer − 1 to that of `layer`; the first has no attention before it, the last none after.
 *
 *     attn [n, q] ─ o_proj ─ + x ─ post norm ─ SwiGLU ─ down ─ + ─ residual [n, h] ─ input norm ─ q, k, v ─ rotate q, k
 */
function betweenAttentions(parts: DecoderParts, layer: number): DecoderGraph {
  const { text } = parts.config;
  const name = `between-${index(layer)}`;
  const graph = new GraphBuilder(name);
  let residual: Residual = { x: residualInput(graph, text) };
  if (layer > 0) {
    const attended = { ...residual, delta: outputProjection(graph, parts, layer - 1) };
    residual = feedForward(graph, parts, layer - 1, attended);
  }
  if (layer < text.numLayers) residual = queriesKeysValues(graph, parts, layer, residual);
  else residual = { x: graph.node('/model/layers', 'Add', [residual.x, residual.delta]) };
  if (layer > 0) graph.output('next_residual', residual.x, 'float32', ['n', text.hiddenSize]);
  return { name, graph };
}

function attentionIn(parts: DecoderParts, layer: number): DecoderGraph {
  const name = `attention-in-${index(layer)}`;
  const graph = new GraphBuilder(name);
  queriesKeysValues(graph, parts, layer, { x: residualInput(graph, parts.config.text) });
  return { name, graph };
}

function attentionOut(parts: DecoderParts, layer: number): DecoderGraph {
  const name = `attention-out-${index(layer)}`;
  const graph = new GraphBuilder(name);
  graph.output('partial', outputProjection(graph, parts, layer), 'float32', ['n', parts.config.text.hiddenSize]);
  return { name, graph };
}

function mlp(parts: DecoderParts, layer: number): DecoderGraph {
  const { text } = parts.config;
  const name = `mlp-${index(layer)}`;
  const graph = new GraphBuilder(name);
  const { delta } = feedForward(graph, parts, layer, { x: residualInput(graph, text) });
  graph.output('partial', delta, 'float32', ['n', text.hiddenSize]);
  return { name, graph };
}

/** residual [n, h] → final norm [n, h] → this rank's part of the logits [n, vocab]. */
function head(parts: DecoderParts): DecoderGraph {
  const { text } = parts.config;
  const { vocab } = parts.shard;
  const graph = new GraphBuilder('head');
  const x = residualInput(graph, text);
  const normed = rmsNorm(graph, '/model/norm', x, 'model.norm.weight', text.hiddenSize, text.rmsNormEps);
  const logits = linear(graph, '/lm_head', rowsOf(graph, '/lm_head', normed), headWeight(parts));
  graph.output('final_norm', normed, 'float32', ['n', text.hiddenSize]);
  graph.output('logits', logits, 'float32', ['n', vocab.end - vocab.start]);
  return { name: 'head', graph };
}

/**
 * Input norm and the column-parallel projections as one matmul; outputs q, k (rotated) and v.
 *
 *     x ─ norm ─ qkv_proj [n, q + 2 kv] ─ Split ─ q ─ rotate
 *                                               ├ k ─ rotate
 *                                               └ v
 */
function queriesKeysValues(graph: GraphBuilder, parts: DecoderParts, layer: number, residual: Residual): Residual {
  const { headDim } = parts.config.text;
  const cos = graph.input('cos', 'float32', ['n', headDim / 2]);
  const sin = graph.input('sin', 'float32', ['n', headDim / 2]);
  const normPath = path(layer, 'input_layernorm');
  const { x, normed } = addAndNorm(graph, normPath, residual, normOf(parts, layer, 'input_layernorm'));
  const attentionPath = path(layer, 'self_attn');
  const { weight, bias } = qkvWeights(parts, layer);
  const qkv = linear(graph, `${attentionPath}/qkv_proj`, rowsOf(graph, normPath, normed), weight, bias);
  const { qDim, kvDim } = attentionDims(parts);
  const sizes = graph.ints('qkv_sizes', [qDim, kvDim, kvDim]);
  const [q, k, v] = graph.multiNode(`${attentionPath}/qkv_proj`, 'Split', [qkv, sizes], 3, { axis: 1 });
  graph.output('q', rotate(graph, `${attentionPath}/q_rotary`, q, cos, sin), 'float32', ['n', qDim]);
  graph.output('k', rotate(graph, `${attentionPath}/k_rotary`, k, cos, sin), 'float32', ['n', kvDim]);
  graph.output('v', v, 'float32', ['n', kvDim]);
  return { x };
}

/** Row-parallel o_proj: attn [n, this rank's heads · d] → its part of [n, h]. */
function outputProjection(graph: GraphBuilder, parts: DecoderParts, layer: number): Value {
  const attn = graph.input('attn', 'float32', ['n', attentionDims(parts).qDim]);
  const projectionPath = path(layer, 'self_attn/o_proj');
  return linear(graph, projectionPath, rowsOf(graph, projectionPath, attn), outputWeight(parts, layer));
}

/** Post-attention norm, column-parallel gate and up, row-parallel down: adds this rank's part of [n, h] to x [n, h]. */
function feedForward(graph: GraphBuilder, parts: DecoderParts, layer: number, residual: Residual) {
  const normPath = path(layer, 'post_attention_layernorm');
  const { x, normed } = addAndNorm(graph, normPath, residual, normOf(parts, layer, 'post_attention_layernorm'));
  const rows = rowsOf(graph, normPath, normed);
  const gate = linear(graph, path(layer, 'mlp/gate_proj'), rows, widenWeight(parts, layer, 'gate_proj'));
  const up = matMul(graph, path(layer, 'mlp/up_proj'), rows, widenWeight(parts, layer, 'up_proj'));
  const downPath = path(layer, 'mlp/down_proj');
  const product = rowsOf(graph, downPath, swiGlu(graph, path(layer, 'mlp'), gate, up));
  return { x, delta: linear(graph, downPath, product, downWeight(parts, layer)) };
}

function normOf({ config }: DecoderParts, layer: number, part: 'input_layernorm' | 'post_attention_layernorm') {
  const { hiddenSize, rmsNormEps } = config.text;
  return { tensor: tensorName(layer, part), size: hiddenSize, eps: rmsNormEps };
}

/** q, k and v of a rank's heads, one below the other, as a matrix and as a bias. */
export function qkvWeights({ config, shard, weights }: DecoderParts, layer: number) {
  const { headDim, hiddenSize, numHeads, numKvHeads } = config.text;
  const parts = [
    { name: 'q', heads: shard.heads, total: numHeads },
    { name: 'k', heads: shard.kvHeads, total: numKvHeads },
    { name: 'v', heads: shard.kvHeads, total: numKvHeads },
  ].map(({ name, heads, total }) => ({
    tensor: `model.layers.${layer}.self_attn.${name}_proj`,
    rows: { start: heads.start * headDim, end: heads.end * headDim },
    numRows: total * headDim,
  }));
  const weight: MatrixWeight = {
    name: tensorName(layer, 'self_attn.qkv_proj'),
    slices: parts.map(({ tensor, rows, numRows }) => sliceOf(`${tensor}.weight`, [numRows, hiddenSize], { rows })),
    form: formOf(
      weights,
      'decoder',
      parts.map(({ tensor }) => `${tensor}.weight`),
      hiddenSize,
    ),
  };
  const bias: MatrixWeight = {
    name: `model.layers.${layer}.self_attn.qkv_proj.bias`,
    slices: parts.map(({ tensor, rows, numRows }) => sliceOf(`${tensor}.bias`, [numRows], { rows })),
    form: { kind: 'fp32' },
  };
  return { weight, bias };
}

export function outputWeight({ config, shard, weights }: DecoderParts, layer: number): MatrixWeight {
  const { headDim, hiddenSize, numHeads } = config.text;
  const cols = { start: shard.heads.start * headDim, end: shard.heads.end * headDim };
  const name = tensorName(layer, 'self_attn.o_proj');
  const slices = [sliceOf(name, [hiddenSize, numHeads * headDim], { cols })];
  return { name, slices, form: formOf(weights, 'decoder', [name], numHeads * headDim) };
}

export function widenWeight(
  { config, shard, weights }: DecoderParts,
  layer: number,
  part: 'gate_proj' | 'up_proj',
): MatrixWeight {
  const { hiddenSize, intermediateSize } = config.text;
  const name = tensorName(layer, `mlp.${part}`);
  const rows = { rows: shard.intermediate, paddedRows: shard.paddedIntermediate };
  const slices = [sliceOf(name, [intermediateSize, hiddenSize], rows)];
  return { name, slices, form: formOf(weights, 'decoder', [name], hiddenSize) };
}

export function downWeight({ config, shard, weights }: DecoderParts, layer: number): MatrixWeight {
  const { hiddenSize, intermediateSize } = config.text;
  const name = tensorName(layer, 'mlp.down_proj');
  const cols = { cols: shard.intermediate, paddedCols: shard.paddedIntermediate };
  const slices = [sliceOf(name, [hiddenSize, intermediateSize], cols)];
  return { name, slices, form: formOf(weights, 'decoder', [name], intermediateSize) };
}

export function headWeight({ config, shard, weights }: DecoderParts): MatrixWeight {
  const { hiddenSize, vocabSize } = config.text;
  const tensor = config.isHeadTied ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const slices = [sliceOf(tensor, [vocabSize, hiddenSize], { rows: shard.vocab })];
  return { name: tensor, slices, form: formOf(weights, 'head', [tensor], hiddenSize) };
}

/** Widths of a rank's queries and of its keys or values. */
export function attentionDims({ config, shard }: DecoderParts): { readonly qDim: number; readonly kvDim: number } {
  const width = ({ start, end }: Range): number => (end - start) * config.text.headDim;
  return { qDim: width(shard.heads), kvDim: width(shard.kvHeads) };
}

function residualInput(graph: GraphBuilder, { hiddenSize }: TextConfig): Value {
  return graph.input('residual', 'float32', ['n', hiddenSize]);
}

const index = (layer: number): string => String(layer).padStart(3, '0');
const path = (layer: number, part: string): string => `/model/layers.${layer}/${part}`;
const tensorName = (layer: number, part: string): string => `model.layers.${layer}.${part}.weight`;
