import { readFile } from 'node:fs/promises';
import { probeImage } from '@tessera/gateway';
import type { ImageSize, MeasuredVisual, Processor, PromptMessage, PromptPart } from '@tessera/qwen2-5-vl';
import type { GoldenCase, GoldenFolder, GoldenMessage, GoldenPart } from './golden-folder.js';
import type { VerifyReport } from './verify-report.js';

/** Rung 4: the rendered prompt, expanded ids, sizes and positions, from the headers of the media alone. */
export async function checkPrompt(
  folder: GoldenFolder,
  { name, record }: GoldenCase,
  processor: Processor,
  report: VerifyReport,
): Promise<void> {
  const messages = await Promise.all(record.messages.map((message) => measureMessage(folder, message, processor)));
  const options = { addGenerationPrompt: record.add_generation_prompt, addVisionId: record.add_vision_id };
  const { text, tokenIds, visuals, positions } = processor.buildPrompt(messages, options);
  const equal = (what: string, actual: unknown, expected: unknown): boolean =>
    report.equal(`4 ${what}`, name, actual, expected);
  equal('prompt', text, record.prompt);
  equal('input_ids', Array.from(tokenIds), record.input_ids);
  equal(
    'media',
    visuals.map(describe),
    record.media.map((m) => [m.kind, m.source_size, m.resized_size, m.grid_thw, m.tokens]),
  );
  const axes = [positions.temporal, positions.height, positions.width].map((ids) => Array.from(ids));
  equal('position_ids', axes, record.position_ids);
  equal('next_position', positions.next, record.next_position);
  const decoded = processor.tokenizer.decode([...record.greedy_tokens]);
  equal('greedy_text', decoded, record.greedy_text);
}

async function measureMessage(
  folder: GoldenFolder,
  { role, content }: GoldenMessage,
  processor: Processor,
): Promise<PromptMessage> {
  if (typeof content === 'string') return { role, content };
  return { role, content: await Promise.all(content.map((part) => measurePart(folder, part, processor))) };
}

async function measurePart(folder: GoldenFolder, part: GoldenPart, processor: Processor): Promise<PromptPart> {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const limits = { minPixels: part.min_pixels, maxPixels: part.max_pixels };
  if (part.type !== 'video') {
    const file = part.type === 'image' ? part.image : part.image_url.url;
    return { type: 'image', visual: processor.measureImage(await sizeOf(folder, file), limits) };
  }
  const size = await sizeOf(folder, part.video[0]);
  const visual = processor.measureVideo({ numFrames: part.video.length, size, fps: part.fps ?? 2, limits });
  return { type: 'video', visual };
}

async function sizeOf(folder: GoldenFolder, file: string): Promise<ImageSize> {
  return probeImage(await readFile(folder.path(file)), file);
}

function describe({ kind, source, resized, grid, numTokens }: MeasuredVisual): unknown[] {
  return [kind, [source.height, source.width], [resized.height, resized.width], [grid.t, grid.h, grid.w], numTokens];
}
