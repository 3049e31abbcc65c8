import type { EncoderDescription, EncoderEngine, VisualInput } from '@tessera/domain';
import { type EngineManifest, readManifest } from '@tessera/onnx-graph';
import { type ProcessorConfig, validateProcessorConfig } from '@tessera/qwen2-5-vl';
import type { Tensor } from 'onnxruntime-node';
import type { SessionOptions } from '../ort/create-session.js';
import { readEngineMetadata } from '../ort/read-engine-metadata.js';
import { EncoderSessions } from './encoder-sessions.js';
import { createVisionInputs, runKey, type VisionInputs } from './vision-inputs.js';

/** Values of every patch after the patch embedding and after each block, in processor order; for parity checks. */
export interface VisionTaps {
  /** [numPatches, hiddenSize]. */
  readonly patchEmbed: Float32Array;
  readonly blocks: readonly Float32Array[];
}

export interface EncoderOptions extends SessionOptions {
  /** Gives a picture the same embeddings whatever is encoded with it: each in a run of its own. Default false. */
  readonly isDeterministic?: boolean;
}

/** The vision tower on the CPU. */
export class CpuEncoder implements EncoderEngine {
  readonly description: EncoderDescription;
  readonly #manifest: EngineManifest;
  readonly #processing: ProcessorConfig;
  readonly #sessions: EncoderSessions;
  readonly #isDeterministic: boolean;

  private constructor(
    manifest: EngineManifest,
    processing: ProcessorConfig,
    sessions: EncoderSessions,
    { isDeterministic = false }: EncoderOptions,
  ) {
    this.#manifest = manifest;
    this.#processing = processing;
    this.#sessions = sessions;
    this.#isDeterministic = isDeterministic;
    this.description = { modelRevision: manifest.modelRevision, hiddenSize: manifest.config.vision.outHiddenSize };
  }

  /** Throws `engine_invalid`. */
  static async create(engineDir: string, options: EncoderOptions): Promise<CpuEncoder> {
    const manifest = await readManifest(engineDir);
    const rawProcessing = await readEngineMetadata(engineDir, 'preprocessor_config.json');
    const processing = validateProcessorConfig(rawProcessing, manifest.config.vision);
    const sessions = await EncoderSessions.create(engineDir, manifest, { numThreads: options.numThreads });
    return new CpuEncoder(manifest, processing, sessions, options);
  }

  /** Visuals whose frames have equal numbers of patches share a run, so that no frame is padded to another's size. */
  async encode(visuals: readonly VisualInput[]): Promise<Float32Array[]> {
    const embeds = new Array<Float32Array>(visuals.length);
    for (const group of this.#isDeterministic ? visuals.map((_, i) => [i]) : groupByRun(visuals)) {
      const rows = await this.#run(group.map((i) => visuals[i]));
      let offset = 0;
      for (const i of group) {
        const length = numMerged(visuals[i], this.#manifest) * this.description.hiddenSize;
        embeds[i] = rows.slice(offset, offset + length);
        offset += length;
      }
    }
    return embeds;
  }

  /** The tower's intermediate values; the engine must have been compiled with taps. */
  async tap(visuals: readonly VisualInput[]): Promise<VisionTaps[]> {
    const { vision } = this.#manifest.config;
    const taps: VisionTaps[] = [];
    for (const visual of visuals) {
      const inputs = createVisionInputs([visual], vision, this.#processing);
      const x = await this.#sessions.embedPatches(inputs);
      const out = await this.#sessions.runTower(x, inputs);
      const read = ({ data }: Tensor): Float32Array =>
        toProcessorOrder(data as Float32Array, inputs, vision.hiddenSize * vision.spatialMergeSize ** 2);
      const blocks = Array.from({ length: vision.depth }, (_, block) => read(out[`block_${block}`]));
      taps.push({ patchEmbed: read(x), blocks });
    }
    return taps;
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  async #run(visuals: readonly VisualInput[]): Promise<Float32Array> {
    const inputs = createVisionInputs(visuals, this.#manifest.config.vision, this.#processing);
    const { embeds } = await this.#sessions.runTower(await this.#sessions.embedPatches(inputs), inputs, ['embeds']);
    return embeds.data as Float32Array;
  }
}

function groupByRun(visuals: readonly VisualInput[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, visual] of visuals.entries()) {
    const key = runKey(visual);
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()];
}

function numMerged({ grid }: VisualInput, { config }: EngineManifest): number {
  return (grid.t * grid.h * grid.w) / config.vision.spatialMergeSize ** 2;
}

function toProcessorOrder(rows: Float32Array, { windowIndex }: VisionInputs, unitSize: number): Float32Array {
  const ordered = new Float32Array(rows.length);
  for (let i = 0; i < windowIndex.length; i++) {
    ordered.set(rows.subarray(i * unitSize, (i + 1) * unitSize), windowIndex[i] * unitSize);
  }
  return ordered;
}
