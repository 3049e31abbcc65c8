import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { GraphBuilder, type Value } from '../onnx/graph-builder.js';
import { type MatrixWeight, numCols, numRows, type WeightForm } from '../weights/matrix-weight.js';
import type { WeightForms } from '../weights/weight-forms.js';
import {
  attentionDims,
  type DecoderParts,
  downWeight,
  headWeight,
  outputWeight,
  qkvWeights,
  widenWeight,
} from './decoder-graphs.js';
import { addAndNorm, linear, rmsNorm, rotate, rowsOf, swiGlu } from './layers.js';
import type { ShardPlan } from './shard-plan.js';
import { blockWeights, mergedSize, mergerWeights, patchEmbedWeight, stillPatchEmbedGraph } from './vision-graph.js';

/** One kind of operation of the engine as a graph of its own: rows [m, k] → rows [m, n], on weights of the engine. */
export interface ProbeGraph {
  readonly part: 'decoder' | 'encoder';
  readonly op: string;
  readonly k: number;
  readonly n: number;
  readonly dtype: string;
  readonly graph: GraphBuilder;
  /** Row lengths of the graph's inputs by name. */
  readonly inputs: Readonly<Record<string, number>>;
  /** Name of its output. */
  readonly output: string;
}

/**
 * Every distinct (operation, K, N, form) of a rank's decoder and of the encoder, once. Of a weight with a bias and one
 * without, either stands for both.
 */
export function probeGraphs(config: ModelConfig, shard: ShardPlan, weights: WeightForms): ProbeGraph[] {
  const all = [...decoderProbes({ config, shard, weights }), ...encoderProbes(config, weights)];
  return [...new Map(all.map((p) => [[p.part, p.op, p.k, p.n, p.dtype].join(), p])).values()];
}

function decoderProbes(parts: DecoderParts): ProbeGraph[] {
  const { headDim, hiddenSize, numLayers } = parts.config.text;
  const layers = Array.from({ length: numLayers }, (_, layer) => layer);
  return [
    ...layers.flatMap((layer) => layerProbes(parts, layer)),
    linearProbe('decoder', headWeight(parts)),
    normProbe('decoder', 'model.norm.weight', hiddenSize),
    addAndNormProbe('decoder', 'model.layers.0.post_attention_layernorm.weight', hiddenSize),
    swiGluProbe('decoder', parts.shard.paddedIntermediate),
    rotaryProbe('decoder', attentionDims(parts).qDim, headDim),
  ];
}

/** The matmuls of a layer; in a packed checkpoint, layers may differ in form. */
function layerProbes(parts: DecoderParts, layer: number): ProbeGraph[] {
  const qkv = qkvWeights(parts, layer);
  return [
    linearProbe('decoder', qkv.weight, qkv.bias),
    linearProbe('decoder', outputWeight(parts, layer)),
    linearProbe('decoder', widenWeight(parts, layer, 'gate_proj')),
    linearProbe('decoder', widenWeight(parts, layer, 'up_proj')),
    linearProbe('decoder', downWeight(parts, layer)),
  ];
}

function encoderProbes(config: ModelConfig, weights: WeightForms): ProbeGraph[] {
  const { vision } = config;
  const tower = { vision, weights };
  return [
    linearProbe('encoder', patchEmbedWeight(vision)),
    stillPatchEmbedProbe(config),
    linearProbe('encoder', ...blockWeights(tower, 0, 'attn.qkv')),
    linearProbe('encoder', ...blockWeights(tower, 0, 'attn.proj')),
    linearProbe('encoder', ...blockWeights(tower, 0, 'mlp.gate_proj')),
    linearProbe('encoder', ...blockWeights(tower, 0, 'mlp.down_proj')),
    linearProbe('encoder', ...mergerWeights(tower, 'mlp.0')),
    linearProbe('encoder', ...mergerWeights(tower, 'mlp.2')),
    normProbe('encoder', 'visual.blocks.0.norm1.weight', vision.hiddenSize),
    addAndNormProbe('encoder', 'visual.merger.ln_q.weight', vision.hiddenSize),
    swiGluProbe('encoder', vision.intermediateSize),
    geluProbe(mergedSize(vision)),
    rotaryProbe('encoder', vision.hiddenSize, vision.headDim),
  ];
}

type Part = ProbeGraph['part'];

const matMulOps = { fp32: 'Gemm', int8: 'MatMulIntegerToFloat', int4: 'MatMulNBits' } as const;

function linearProbe(part: Part, weight: MatrixWeight, bias?: MatrixWeight): ProbeGraph {
  const [k, n] = [numCols(weight), numRows(weight)];
  const graph = new GraphBuilder('probe');
  const x = rowsOf(graph, '/probe', graph.input('x', 'float32', ['n', k]));
  graph.output('y', linear(graph, '/probe', x, weight, bias), 'float32', ['n', n]);
  const dtype = describeForm(weight.form);
  return { part, op: matMulOps[weight.form.kind], k, n, dtype, graph, inputs: { x: k }, output: 'y' };
}

/** Blocks of other lengths, or with zero points, are other kernels: `int4/128`, `int4/64 zeroPoints`. */
function describeForm(form: WeightForm): string {
  if (form.kind !== 'int4') return form.kind;
  return [`int4/${form.blockLen}`, form.published === 'zeroPoints' ? 'zero points' : ''].join(' ').trimEnd();
}

/** The folded kernel of stills, as the encoder runs it. */
function stillPatchEmbedProbe(config: ModelConfig): ProbeGraph {
  const { inChannels, patchSize, hiddenSize: n } = config.vision;
  const k = inChannels * patchSize ** 2;
  const graph = stillPatchEmbedGraph(config);
  return { part: 'encoder', op: 'Gemm', k, n, dtype: 'fp32', graph, inputs: { patches: k }, output: 'x' };
}

function normProbe(part: Part, name: string, size: number): ProbeGraph {
  const op = 'SimplifiedLayerNormalization';
  return rowProbe({ part, op, size, inputs: { x: size } }, (g, x) => rmsNorm(g, '/probe', x, name, size, 1e-6));
}

function addAndNormProbe(part: Part, tensor: string, size: number): ProbeGraph {
  const op = 'SkipSimplifiedLayerNormalization';
  return rowProbe({ part, op, size, inputs: { x: size, delta: size } }, (g, x, delta) => {
    return addAndNorm(g, '/probe', { x, delta }, { tensor, size, eps: 1e-6 }).normed;
  });
}

function swiGluProbe(part: Part, size: number): ProbeGraph {
  return rowProbe(
    { part, op: 'QuickGelu, Mul', size, inputs: { x: size, up: size } },
    (g, gate, up) => swiGlu(g, '/probe', gate, { value: up }).value,
  );
}

function geluProbe(size: number): ProbeGraph {
  return rowProbe({ part: 'encoder', op: 'Gelu', size, inputs: { x: size } }, (g, x) =>
    g.node('/probe', 'Gelu', [x], { approximate: 'none' }),
  );
}

function rotaryProbe(part: Part, size: number, headDim: number): ProbeGraph {
  const inputs = { x: size, cos: headDim / 2, sin: headDim / 2 };
  return rowProbe({ part, op: 'RotaryEmbedding', size, inputs }, (g, x, cos, sin) => rotate(g, '/probe', x, cos, sin));
}

/** An operation in float32 that keeps the width of its first input. */
function rowProbe(
  { part, op, size, inputs }: Pick<ProbeGraph, 'part' | 'op' | 'inputs'> & { readonly size: number },
  build: (g: GraphBuilder, ...inputs: Value[]) => Value,
): ProbeGraph {
  const graph = new GraphBuilder('probe');
  const values = Object.entries(inputs).map(([name, length]) => graph.input(name, 'float32', ['n', length]));
  graph.output('y', build(graph, ...values), 'float32', ['n', size]);
  return { part, op, k: size, n: size, dtype: 'fp32', graph, inputs, output: 'y' };
}
