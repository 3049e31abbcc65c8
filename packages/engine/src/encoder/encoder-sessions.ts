import { type EngineManifest, maxWindowLen } from '@tessera/onnx-graph';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type Closable, closeAll, closingOnFailure } from '../close-all.js';
import { createSession, type SessionOptions } from '../ort/create-session.js';
import { rowTensor } from '../ort/row-session.js';
import type { VisionInputs } from './vision-inputs.js';

interface Graphs {
  readonly patchEmbed: InferenceSession;
  readonly stillPatchEmbed: InferenceSession;
  readonly tower: InferenceSession;
}

/** The graphs of an encoder, fed from the inputs of a run. */
export class EncoderSessions {
  readonly #manifest: EngineManifest;
  readonly #graphs: Graphs;
  readonly #opened: readonly Closable[];

  private constructor(manifest: EngineManifest, graphs: Graphs, opened: readonly Closable[]) {
    this.#manifest = manifest;
    this.#graphs = graphs;
    this.#opened = opened;
  }

  /** Throws `engine_invalid`; nothing stays open then. */
  static create(engineDir: string, manifest: EngineManifest, options: SessionOptions): Promise<EncoderSessions> {
    return closingOnFailure(async (keep) => {
      const opened: Closable[] = [];
      const open = async (graph: string, hasArena = false): Promise<InferenceSession> => {
        const session = await createSession(engineDir, graph, { ...options, hasArena });
        opened.push(keep({ close: () => session.release() }));
        return session;
      };
      const { patchEmbed, stillPatchEmbed, tower } = manifest.encoder;
      const graphs = {
        patchEmbed: await open(patchEmbed),
        stillPatchEmbed: await open(stillPatchEmbed),
        tower: await open(tower, true),
      };
      return new EncoderSessions(manifest, graphs, opened);
    });
  }

  /** [numPatches, hiddenSize]. */
  async embedPatches({ patches, numPatches, isStill }: VisionInputs): Promise<Tensor> {
    const { patchEmbed, stillPatchEmbed } = this.#graphs;
    const { x } = await (isStill ? stillPatchEmbed : patchEmbed).run({ patches: rowTensor(patches, numPatches) });
    return x;
  }

  /** `outputs` names those wanted; default all. */
  runTower(x: Tensor, inputs: VisionInputs, outputs?: readonly string[]): Promise<Readonly<Record<string, Tensor>>> {
    const windowLen = maxWindowLen(this.#manifest.config.vision);
    const feeds = {
      x,
      cos: rowTensor(inputs.cos, inputs.numPatches),
      sin: rowTensor(inputs.sin, inputs.numPatches),
      window_rows: ids(inputs.windowRows),
      window_slots: ids(inputs.windowSlots),
      window_mask: new Tensor('int32', inputs.windowMask, [inputs.windowMask.length / windowLen, windowLen]),
      frame_shape: ids(inputs.frameShape),
      reverse_index: ids(inputs.reverseIndex),
    };
    return outputs ? this.#graphs.tower.run(feeds, outputs) : this.#graphs.tower.run(feeds);
  }

  close(): Promise<void> {
    return closeAll(this.#opened);
  }
}

function ids(data: BigInt64Array): Tensor {
  return new Tensor('int64', data, [data.length]);
}
