import type { VisualInput } from '@tessera/domain';
import type { BuiltPrompt, MeasuredVisual, Processor } from '@tessera/qwen2-5-vl';
import { createMediaDecoderPool, type MediaDecoderPool } from '@tessera/vision-encoder';
import type { EvalItem } from './eval-items.js';

/** A question with at most one picture or video, as every engine gets it. */
export interface EvalPrompt {
  readonly id: string;
  readonly built: BuiltPrompt;
  readonly visual?: VisualInput;
}

/** Prompts of all items, their pictures decoded on the path that serves clients. */
export async function preparePrompts(items: readonly EvalItem[], processor: Processor): Promise<EvalPrompt[]> {
  const limits = { numProcesses: 2, deadlineMs: 60_000, maxMemoryBytes: 2 ** 30, maxPixels: 2 ** 24 };
  const decoders = createMediaDecoderPool(limits);
  try {
    const prompts: EvalPrompt[] = [];
    for (const item of items) {
      const measured = measure(item, processor);
      const built = buildQuestion(processor, item.prompt, measured);
      prompts.push({ id: item.id, built, visual: await decode(item, measured, decoders) });
    }
    return prompts;
  } finally {
    await decoders.close();
  }
}

/** The picture or video, then the question, as one user's turn. */
export function buildQuestion(processor: Processor, text: string, visual?: MeasuredVisual): BuiltPrompt {
  const shown = visual ? [{ type: visual.kind, visual } as const] : [];
  return processor.buildPrompt([{ role: 'user', content: [...shown, { type: 'text', text }] }]);
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
