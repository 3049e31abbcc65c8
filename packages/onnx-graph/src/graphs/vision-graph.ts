import type { ModelConfig, VisionConfig } from '@tessera/qwen2-5-vl';
import { sliceOf } from '../checkpoint/weight-slice.js';
import { GraphBuilder, type Value } from '../onnx/graph-builder.js';
import type { MatrixWeight } from '../weights/matrix-weight.js';
import { formOf, type WeightForms } from '../weights/weight-forms.js';
import type { WeightPart } from '../weights/weight-plan.js';
import { addAndNorm, linear, type Residual, rotate, rowsOf, swiGlu, wholeVector } from './layers.js';

/** RMSNorm epsilon of the tower, fixed in the reference whatever the configuration says (spec §5.6). */
const visionEps = 1e-6;

export interface VisionGraphOptions {
  /** Also output every block, in window order: for parity checks. */
  readonly hasTaps: boolean;
  readonly weights: WeightForms;
}

/** Patches of the largest attention window, whose side is a whole number of merged units (spec §5.3). */
export function maxWindowLen({ windowSize, patchSize, spatialMergeSize }: VisionConfig): number {
  const unitsPerSide = Math.floor(Math.floor(windowSize / spatialMergeSize) / patchSize);
  return (unitsPerSide * spatialMergeSize) ** 2;
}

/** The patch embedding (spec §2.3): patches [n, 1176] → x [n, h]. */
export function patchEmbedGraph({ vision }: ModelConfig): GraphBuilder {
  const g = new GraphBuilder('patch-embed');
  const patches = g.input('patches', 'float32', ['n', vision.temporalPatchSize * frameDim(vision)]);
  const x = linear(g, patchEmbedPath, rowsOf(g, patchEmbedPath, patches), patchEmbedWeight(vision));
  g.output('x', x, 'float32', ['n', vision.hiddenSize]);
  return g;
}

/**
 * The same for stills, whose two frames are equal: patches [n, 588] → x [n, h], by the sum of the kernel's frames,
 * which ONNX Runtime computes once when it loads the graph.
 *
 *     kernel [h, 1176] ─ [h, channel, frame, pixel] ─ Σ over frames ─ [h, 588]
 */
export function stillPatchEmbedGraph({ vision }: ModelConfig): GraphBuilder {
  const g = new GraphBuilder('patch-embed-still');
  const patches = g.input('patches', 'float32', ['n', frameDim(vision)]);
  const { hiddenSize, inChannels, temporalPatchSize, patchSize } = vision;
  const [kernel] = g.weight(patchEmbedWeight(vision));
  const byFrame = g.ints('kernel_shape', [hiddenSize, inChannels, temporalPatchSize, patchSize ** 2]);
  const split = g.node(`${patchEmbedPath}/split`, 'Reshape', [kernel, byFrame]);
  const sum = g.node(`${patchEmbedPath}/fold`, 'ReduceSum', [split, g.ints('frame_axis', [2])], { keepdims: 0 });
  const folded = g.node(`${patchEmbedPath}/fold`, 'Reshape', [sum, g.ints('folded_shape', [hiddenSize, -1])]);
  g.output('x', g.node(patchEmbedPath, 'Gemm', [patches, folded], { transB: 1 }), 'float32', ['n', hiddenSize]);
  return g;
}

const patchEmbedPath = '/visual/patch_embed/proj';

/** Values of one frame's patch. */
function frameDim({ inChannels, patchSize }: VisionConfig): number {
  return inChannels * patchSize ** 2;
}

/**
 * The vision tower behind the patch embedding (spec §5). Everything that is integer arithmetic over the grid comes in as a tensor, so one graph
 * serves every picture; one run holds visuals whose frames have equal numbers of patches.
 *
 *     x [n, h], cos, sin [n, d / 2]               embedded patches in window order (§5.3)
 *     window_rows [w · 64], window_slots [n]      tiling of rows into windows of 64, padded, and back
 *     window_mask [w, 64] int32                   1 where a slot holds a row
 *     frame_shape [3]                             frames, rows a frame, hidden: the groups of full attention
 *     reverse_index [m]                           from window order to placeholder order
 *     → embeds [m, outHidden]
 */
export function visionGraph({ vision }: ModelConfig, options: VisionGraphOptions): GraphBuilder {
  const g = new GraphBuilder('vision');
  const inputs = declareInputs(g, vision);
  let residual: Residual = { x: inputs.x };
  const tap = (name: string): void => {
    if (!options.hasTaps) return;
    const { x, delta } = residual;
    const sum = delta ? g.node(`/visual/taps/${name}`, 'Add', [x, delta]) : x;
    g.output(name, sum, 'float32', ['n', vision.hiddenSize]);
  };
  const tower = { vision, weights: options.weights };
  for (let block = 0; block < vision.depth; block++) {
    residual = visionBlock(g, tower, block, residual, inputs);
    tap(`block_${block}`);
  }
  const merged = merger(g, tower, residual);
  const embeds = g.node('/visual/merger/reverse', 'Gather', [merged, inputs.reverseIndex], { axis: 0 });
  g.output('embeds', embeds, 'float32', ['m', vision.outHiddenSize]);
  return g;
}

type VisionInputs = ReturnType<typeof declareInputs>;

/** What the tower is built from. */
interface TowerParts {
  readonly vision: VisionConfig;
  readonly weights: WeightForms;
}

function declareInputs(g: GraphBuilder, vision: VisionConfig) {
  const windowLen = maxWindowLen(vision);
  return {
    x: g.input('x', 'float32', ['n', vision.hiddenSize]),
    cos: g.input('cos', 'float32', ['n', vision.headDim / 2]),
    sin: g.input('sin', 'float32', ['n', vision.headDim / 2]),
    windowRows: g.input('window_rows', 'int64', ['slots']),
    windowSlots: g.input('window_slots', 'int64', ['n']),
    windowMask: g.input('window_mask', 'int32', ['w', windowLen]),
    frameShape: g.input('frame_shape', 'int64', [3]),
    reverseIndex: g.input('reverse_index', 'int64', ['m']),
    rowShape: g.ints('row_shape', [-1, vision.hiddenSize]),
    windowShape: g.ints('window_shape', [-1, windowLen, vision.hiddenSize]),
  };
}

/** x + proj(attention(norm1(x))), then + SwiGLU(norm2(…)). */
function visionBlock(g: GraphBuilder, tower: TowerParts, block: number, residual: Residual, inputs: VisionInputs) {
  const path = `/visual/blocks.${block}`;
  const before = addAndNorm(g, `${path}/norm1`, residual, normOf(tower.vision, weightName(block, 'norm1')));
  const attended = { x: before.x, delta: attention(g, tower, block, before.normed, inputs) };
  const { x, normed } = addAndNorm(g, `${path}/norm2`, attended, normOf(tower.vision, weightName(block, 'norm2')));
  return { x, delta: feedForward(g, tower, block, normed) };
}

const normOf = ({ hiddenSize }: VisionConfig, tensor: string) => ({ tensor, size: hiddenSize, eps: visionEps });

/**
 *     x [n, h] ─ qkv [n, 3h] ─ Split ─ rotate q, k ─ tile by window or by frame ─ MultiHeadAttention ─ untile ─ proj
 *
 * Over frames there is no mask, so that the kernel works tile by tile and never holds all scores.
 */
function attention(g: GraphBuilder, tower: TowerParts, block: number, x: Value, inputs: VisionInputs): Value {
  const { vision } = tower;
  const path = `/visual/blocks.${block}/attn`;
  const { numHeads } = vision;
  const qkv = linear(g, `${path}/qkv`, rowsOf(g, `${path}/qkv`, x), ...blockWeights(tower, block, 'attn.qkv'));
  const [q, k, v] = g.multiNode(path, 'Split', [qkv], 3, { axis: 1, num_outputs: 3 });
  const parts = [
    rotate(g, `${path}/q`, q, inputs.cos, inputs.sin),
    rotate(g, `${path}/k`, k, inputs.cos, inputs.sin),
    v,
  ];
  const isFull = vision.fullAttentionBlocks.includes(block);
  const attend = isFull ? attendInFrames : attendInWindows;
  const attended = attend(g, path, parts, numHeads, inputs);
  return linear(g, `${path}/proj`, rowsOf(g, `${path}/proj`, attended), ...blockWeights(tower, block, 'attn.proj'));
}

function attendInFrames(g: GraphBuilder, path: string, parts: Value[], numHeads: number, inputs: VisionInputs): Value {
  const framed = parts.map((part, i) => g.node(`${path}/frame_${'qkv'[i]}`, 'Reshape', [part, inputs.frameShape]));
  const attended = g.node(path, 'MultiHeadAttention', framed, { num_heads: numHeads });
  return g.node(`${path}/unframe`, 'Reshape', [attended, inputs.rowShape]);
}

function attendInWindows(g: GraphBuilder, path: string, parts: Value[], numHeads: number, inputs: VisionInputs): Value {
  const tiled = parts.map((part, i) => {
    const tilePath = `${path}/window_${'qkv'[i]}`;
    const rows = g.node(tilePath, 'Gather', [part, inputs.windowRows], { axis: 0 });
    return g.node(tilePath, 'Reshape', [rows, inputs.windowShape]);
  });
  const attended = g.node(path, 'MultiHeadAttention', [...tiled, undefined, inputs.windowMask], {
    num_heads: numHeads,
  });
  const rows = g.node(`${path}/unwindow`, 'Reshape', [attended, inputs.rowShape]);
  return g.node(`${path}/unwindow`, 'Gather', [rows, inputs.windowSlots], { axis: 0 });
}

function feedForward(g: GraphBuilder, tower: TowerParts, block: number, normed: Value): Value {
  const path = `/visual/blocks.${block}/mlp`;
  const rows = rowsOf(g, path, normed);
  const gate = linear(g, `${path}/gate_proj`, rows, ...blockWeights(tower, block, 'mlp.gate_proj'));
  const up = linear(g, `${path}/up_proj`, rows, ...blockWeights(tower, block, 'mlp.up_proj'));
  const product = rowsOf(g, `${path}/down_proj`, swiGlu(g, path, gate, { value: up }));
  return linear(g, `${path}/down_proj`, product, ...blockWeights(tower, block, 'mlp.down_proj'));
}

/** Norm, four neighbouring patches side by side, two linears around the exact (erf) GELU. */
function merger(g: GraphBuilder, tower: TowerParts, residual: Residual): Value {
  const { normed } = addAndNorm(g, '/visual/merger/ln_q', residual, normOf(tower.vision, 'visual.merger.ln_q.weight'));
  const units = g.node('/visual/merger', 'Reshape', [normed, g.ints('unit_shape', [-1, mergedSize(tower.vision)])]);
  const innerPath = '/visual/merger/mlp.0';
  const inner = linear(g, innerPath, rowsOf(g, innerPath, units), ...mergerWeights(tower, 'mlp.0'));
  const activated = g.node('/visual/merger/mlp.1', 'Gelu', [inner], { approximate: 'none' });
  const outerPath = '/visual/merger/mlp.2';
  return linear(g, outerPath, rowsOf(g, outerPath, activated), ...mergerWeights(tower, 'mlp.2'));
}

/** The kernel of the patch embedding as a matrix (spec §2.3); always in float32: it sees raw pixels and is small. */
export function patchEmbedWeight(vision: VisionConfig): MatrixWeight {
  const { inChannels, temporalPatchSize, patchSize, hiddenSize } = vision;
  const tensor = 'visual.patch_embed.proj.weight';
  const slices = [sliceOf(tensor, [hiddenSize, inChannels * temporalPatchSize * patchSize ** 2])];
  return { name: tensor, slices, form: { kind: 'fp32' } };
}

type BlockLinear = 'attn.qkv' | 'attn.proj' | 'mlp.gate_proj' | 'mlp.up_proj' | 'mlp.down_proj';

/** Weight and bias of one of a block's linears. */
export function blockWeights({ vision, weights }: TowerParts, block: number, name: BlockLinear) {
  const { hiddenSize: h, intermediateSize: j } = vision;
  const shapes: Record<BlockLinear, readonly [number, number]> = {
    'attn.qkv': [3 * h, h],
    'attn.proj': [h, h],
    'mlp.gate_proj': [j, h],
    'mlp.up_proj': [j, h],
    'mlp.down_proj': [h, j],
  };
  return weightAndBias(weights, 'tower', `visual.blocks.${block}.${name}`, shapes[name]);
}

export function mergerWeights({ vision, weights }: TowerParts, name: 'mlp.0' | 'mlp.2') {
  const merged = mergedSize(vision);
  const numOut = name === 'mlp.0' ? merged : vision.outHiddenSize;
  return weightAndBias(weights, 'merger', `visual.merger.${name}`, [numOut, merged]);
}

function weightAndBias(weights: WeightForms, part: WeightPart, tensor: string, shape: readonly [number, number]) {
  const name = `${tensor}.weight`;
  const weight: MatrixWeight = { name, slices: [sliceOf(name, shape)], form: formOf(weights, part, [name], shape[1]) };
  return [weight, wholeVector(`${tensor}.bias`, shape[0])] as const;
}

export function mergedSize({ hiddenSize, spatialMergeSize }: VisionConfig): number {
  return hiddenSize * spatialMergeSize ** 2;
}

const weightName = (block: number, part: string): string => `visual.blocks.${block}.${part}.weight`;
