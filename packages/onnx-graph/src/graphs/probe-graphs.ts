import type { ModelConfig } from '@tessera/qwen2-5-vl';
import { sliceOf } from '../checkpoint/weight-slice.js';
import { GraphBuilder, type Value } from '../onnx/graph-builder.js';
import { linear, rmsNorm, rotate, swiGlu } from './layers.js';
import type { ShardPlan } from './shard-plan.js';

/** One kind of operation of the engine as a graph of its own: x [n, k] → y [n, n'], on weights of the engine. */
export interface ProbeGraph {
  readonly part: 'decoder' | 'encoder';
  readonly op: string;
  readonly k: number;
  readonly n: number;
  readonly graph: GraphBuilder;
  /** Row lengths of the graph's inputs by name. */
  readonly inputs: Readonly<Record<string, number>>;
}

/** Every distinct (operation, K, N) of a rank's decoder and of the tower, once. */
export function probeGraphs(config: ModelConfig, shard: ShardPlan): ProbeGraph[] {
  const all = [...decoderProbes(config, shard), ...encoderProbes(config)];
  const distinct = new Map(all.map((probe) => [`${probe.part} ${probe.op} ${probe.k} ${probe.n}`, probe]));
  return [...distinct.values()];
}

function decoderProbes({ text, isHeadTied }: ModelConfig, shard: ShardPlan): ProbeGraph[] {
  const { hiddenSize: h, headDim: d, intermediateSize } = text;
  const { heads, kvHeads, intermediate, paddedIntermediate, vocab } = shard;
  const q = { start: heads.start * d, end: heads.end * d };
  const kv = { start: kvHeads.start * d, end: kvHeads.end * d };
  const tensor = (name: string): string => `model.layers.0.${name}`;
  const biased = (name: string, total: number, rows: { start: number; end: number }): ProbeGraph =>
    linearProbe('decoder', h, rows.end - rows.start, (g, x) => {
      const weight = sliceOf(tensor(`self_attn.${name}.weight`), [total, h], { rows });
      return linear(g, '/probe', x, weight, sliceOf(tensor(`self_attn.${name}.bias`), [total], { rows }));
    });
  const head = isHeadTied ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return [
    biased('q_proj', text.numHeads * d, q),
    biased('k_proj', text.numKvHeads * d, kv),
    linearProbe('decoder', q.end - q.start, h, (g, x) =>
      linear(g, '/probe', x, sliceOf(tensor('self_attn.o_proj.weight'), [h, text.numHeads * d], { cols: q })),
    ),
    linearProbe('decoder', h, paddedIntermediate, (g, x) => {
      const slice = { rows: intermediate, paddedRows: paddedIntermediate };
      return linear(g, '/probe', x, sliceOf(tensor('mlp.gate_proj.weight'), [intermediateSize, h], slice));
    }),
    linearProbe('decoder', paddedIntermediate, h, (g, x) => {
      const slice = { cols: intermediate, paddedCols: paddedIntermediate };
      return linear(g, '/probe', x, sliceOf(tensor('mlp.down_proj.weight'), [h, intermediateSize], slice));
    }),
    linearProbe('decoder', h, vocab.end - vocab.start, (g, x) =>
      linear(g, '/probe', x, sliceOf(head, [text.vocabSize, h], { rows: vocab })),
    ),
    normProbe('decoder', 'model.norm.weight', h),
    swiGluProbe('decoder', paddedIntermediate),
    rotaryProbe('decoder', q.end - q.start, d),
  ];
}

function encoderProbes({ vision }: ModelConfig): ProbeGraph[] {
  const { hiddenSize: h, intermediateSize: j, outHiddenSize, headDim } = vision;
  const patchDim = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const merged = h * vision.spatialMergeSize ** 2;
  const probe = (name: string, numOut: number, numIn: number): ProbeGraph =>
    linearProbe('encoder', numIn, numOut, (g, x) =>
      linear(g, '/probe', x, sliceOf(`${name}.weight`, [numOut, numIn]), sliceOf(`${name}.bias`, [numOut])),
    );
  return [
    linearProbe('encoder', patchDim, h, (g, x) =>
      linear(g, '/probe', x, sliceOf('visual.patch_embed.proj.weight', [h, patchDim])),
    ),
    probe('visual.blocks.0.attn.qkv', 3 * h, h),
    probe('visual.blocks.0.attn.proj', h, h),
    probe('visual.blocks.0.mlp.gate_proj', j, h),
    probe('visual.blocks.0.mlp.down_proj', h, j),
    probe('visual.merger.mlp.0', merged, merged),
    probe('visual.merger.mlp.2', outHiddenSize, merged),
    normProbe('encoder', 'visual.merger.ln_q.weight', h),
    swiGluProbe('encoder', j),
    geluProbe(merged),
    rotaryProbe('encoder', h, headDim),
  ];
}

type Part = ProbeGraph['part'];

function linearProbe(part: Part, k: number, n: number, build: (g: GraphBuilder, x: Value) => Value): ProbeGraph {
  const graph = new GraphBuilder('probe');
  graph.output('y', build(graph, graph.input('x', 'float32', ['n', k])), 'float32', ['n', n]);
  return { part, op: 'Gemm', k, n, graph, inputs: { x: k } };
}

function normProbe(part: Part, name: string, size: number): ProbeGraph {
  const graph = new GraphBuilder('probe');
  const x = graph.input('x', 'float32', ['n', size]);
  graph.output('y', rmsNorm(graph, '/probe', x, name, size, 1e-6), 'float32', ['n', size]);
  return { part, op: 'SimplifiedLayerNormalization', k: size, n: size, graph, inputs: { x: size } };
}

function swiGluProbe(part: Part, size: number): ProbeGraph {
  const graph = new GraphBuilder('probe');
  const gate = graph.input('x', 'float32', ['n', size]);
  const up = graph.input('up', 'float32', ['n', size]);
  graph.output('y', swiGlu(graph, '/probe', gate, up), 'float32', ['n', size]);
  return { part, op: 'Sigmoid, Mul', k: size, n: size, graph, inputs: { x: size, up: size } };
}

function geluProbe(size: number): ProbeGraph {
  const graph = new GraphBuilder('probe');
  const x = graph.input('x', 'float32', ['n', size]);
  graph.output('y', graph.node('/probe', 'Gelu', [x], { approximate: 'none' }), 'float32', ['n', size]);
  return { part: 'encoder', op: 'Gelu', k: size, n: size, graph, inputs: { x: size } };
}

function rotaryProbe(part: Part, size: number, headDim: number): ProbeGraph {
  const graph = new GraphBuilder('probe');
  const x = graph.input('x', 'float32', ['n', size]);
  const cos = graph.input('cos', 'float32', ['n', headDim / 2]);
  const sin = graph.input('sin', 'float32', ['n', headDim / 2]);
  graph.output('y', rotate(graph, '/probe', x, cos, sin), 'float32', ['n', size]);
  const inputs = { x: size, cos: headDim / 2, sin: headDim / 2 };
  return { part, op: 'RotaryEmbedding', k: size, n: size, graph, inputs };
}
