import { createRandom } from '@tessera/engine';
import type { ImageSize, Processor } from '@tessera/qwen2-5-vl';
import { buildQuestion, type EvalPrompt } from './eval-prompts.js';

const pictureQuestions = [
  'What is in this image?',
  'How many shapes are in the image?',
  'Locate every shape in this image and output the bbox coordinates in JSON format.',
  'Read all the text in the image.',
];
const textQuestions = [
  'Explain in three sentences why the sky is blue.',
  'Write a function that sorts a list of numbers, and say how it works.',
  'List the planets from the sun outwards with their diameters as a table.',
  'Translate into French: the train to the coast leaves at half past seven.',
];

const pictureSize: ImageSize = { width: 336, height: 336 };
const numRectangles = 12;

/** The questions of a report without an evaluation folder: half of them about seeded pictures, half without any. */
export function syntheticPrompts(processor: Processor): EvalPrompt[] {
  const measured = processor.measureImage(pictureSize);
  const { grid, resized } = measured;
  const ofPictures = pictureQuestions.map((question, seed) => ({
    id: `picture ${seed}`,
    built: buildQuestion(processor, question, measured),
    visual: { grid, numFrames: 1, ...resized, frames: drawRectangles(resized, seed) },
  }));
  const ofTexts = textQuestions.map((question, i) => ({ id: `text ${i}`, built: buildQuestion(processor, question) }));
  return [...ofPictures, ...ofTexts];
}

/** Rectangles of seeded places and colours over one another, [height, width, 3]. */
export function drawRectangles({ height, width }: ImageSize, seed: number): Uint8Array {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pixels = new Uint8Array(height * width * 3).fill(255);
  for (let i = 0; i < numRectangles; i++) {
    const color = [below(256), below(256), below(256)];
    const [top, left] = [below(height), below(width)];
    const [bottom, right] = [top + below(height - top), left + below(width - left)];
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) pixels.set(color, (y * width + x) * 3);
    }
  }
  return pixels;
}
