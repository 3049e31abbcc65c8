export { Checkpoint, type MetadataFile, metadataFiles } from './checkpoint/checkpoint.js';
export { assertTensors, expectedTensors } from './checkpoint/expected-tensors.js';
export { bytesPerElement, type FloatDtype, narrowToBf16, widenToFloat32 } from './checkpoint/float-formats.js';
export { loadProcessor } from './checkpoint/load-processor.js';
export { readExactly, readSafetensorsHeader, type TensorLocation } from './checkpoint/safetensors-header.js';
export type { Range } from './checkpoint/weight-slice.js';
export {
  type CompiledEngine,
  type CompileHooks,
  type CompileProgress,
  compileEngine,
} from './compile/compile-engine.js';
export { EngineCache, readManifest } from './compile/engine-cache.js';
export * from './compile/engine-manifest.js';
export type { DecoderCut } from './graphs/decoder-graphs.js';
export { planBlockShard } from './graphs/plan-block-shard.js';
export { type ProbeGraph, probeGraphs } from './graphs/probe-graphs.js';
export type { ShardPlan } from './graphs/shard-plan.js';
export { maxWindowLen } from './graphs/vision-graph.js';
export { GraphBuilder } from './onnx/graph-builder.js';
export { type Int4Form, tensorsOf, type WeightForm } from './weights/matrix-weight.js';
export { weightBytes } from './weights/weight-bytes.js';
export { fewRowForms, formOf, type WeightForms, weightFormsOf } from './weights/weight-forms.js';
export {
  parseWeightPlan,
  type WeightChoice,
  type WeightFormName,
  type WeightPart,
  type WeightPlan,
  weightParts,
  weightPlans,
} from './weights/weight-plan.js';
