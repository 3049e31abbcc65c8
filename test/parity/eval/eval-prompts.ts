import { availableParallelism } from 'node:os';
import { type EmbeddingKey, embeddingKey, type VisualInput } from '@tessera/domain';
import { CpuEncoder } from '@tessera/engine';
import type { BuiltPrompt, MeasuredVisual, Processor } from '@tessera/qwen2-5-vl';
import { createMediaDecoderPool, type MediaDecoderPool } from '@tessera/vision-encoder';
import type { EvalItem } from './eval-items.js';

/** An item as the decoder gets it. */
export interface EvalPrompt {
  readonly item: EvalItem;
  readonly built: BuiltPrompt;
  readonly embeddingKey: EmbeddingKey;
  /** [numTokens, hiddenSize]. */
  readonly embedding: Float32Array;
}

/** Prompts and embeddings of all items, their pictures decoded on the path that serves clients. */
export async function preparePrompts(
  items: readonly EvalItem[],
  processor: Processor,
  engineDir: string,
): Promise<EvalPrompt[]> {
  const limits = { numProcesses: 2, deadlineMs: 60_000, maxMemoryBytes: 2 ** 30, maxPixels: 2 ** 24 };
  const decoders = createMediaDecoderPool(limits);
  const encoder = await CpuEncoder.create(engineDir, { numThreads: availableParallelism() });
  try {
    const prompts: EvalPrompt[] = [];
    for (const item of items) {
      const visual = measure(item, processor);
      const [embedding] = await encoder.encode([await decode(item, visual, decoders)]);
      const content = [
        { type: visual.kind, visual },
        { type: 'text', text: item.prompt },
      ] as const;
      const built = processor.buildPrompt([{ role: 'user', content }]);
      prompts.push({ item, built, embeddingKey: embeddingKey(item.id), embedding: embedding! });
    }
    return prompts;
  } finally {
    await encoder.close();
    await decoders.close();
  }
}

/** The reference kept the frames of a video within the limits of a picture. */
function measure({ width, height, frames, fps }: EvalItem, processor: Processor): MeasuredVisual {
  const size = { width, height };
  if (fps === undefined) return processor.measureImage(size);
  const { minPixels, maxPixels } = processor.processing;
  return processor.measureVideo({ numFrames: frames.length, size, fps, limits: { minPixels, maxPixels } });
}

async function decode(
  { frames }: EvalItem,
  { grid, resized: { height, width } }: MeasuredVisual,
  decoders: MediaDecoderPool,
): Promise<VisualInput> {
  const decoded = await Promise.all(
    frames.map((source) =>
      decoders.decode({ source, resizedHeight: height, resizedWidth: width }, new AbortController().signal),
    ),
  );
  const pixels = Buffer.concat(decoded.map(({ data }) => data));
  return { grid, numFrames: frames.length, height, width, frames: pixels };
}
