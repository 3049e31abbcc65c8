import { SeededRandom } from '@tessera/testkit';
import sharp from 'sharp';
import { picturePart, textPart } from '../../e2e/support/questions.js';

/** When a client goes before it has its whole answer: after a time, or after events of its stream. */
export type Leaving = { readonly afterMs: number } | { readonly afterEvents: number };

export interface MixedRequest {
  readonly question: Question;
  readonly isStreamed: boolean;
  readonly leaving: Leaving | undefined;
}

/** What has the same answer whenever it is asked. */
export interface Question {
  readonly prefix: string | undefined;
  readonly text: string;
  readonly pictures: readonly Picture[];
  readonly fields: object;
}

interface Picture {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly format: 'png' | 'jpeg' | 'webp';
}

const numPopular = 60;
const prefixes = [4, 9, 14].map((repeats) => 'Look closely, count twice and answer in few words. '.repeat(repeats));
const texts = ['hello', 'Tell me more.', 'What is the text?', 'How many are there?', 'Which colour is it?'];

/** Requests of all kinds. Half of them ask what others ask too; some share only a picture or the beginning. */
export function planMixedRequests(numRequests: number, seed: number): MixedRequest[] {
  const random = new SeededRandom(seed);
  const shared = Array.from({ length: 12 }, (_, index) => drawnAt(index, random));
  const popular = Array.from({ length: numPopular }, (_, index) => planQuestion(-1 - index, shared, random));
  return Array.from({ length: numRequests }, (_, index) => {
    const question = random.uniform() < 0.5 ? random.pick(popular) : planQuestion(index, shared, random);
    const isStreamed = random.uniform() < 0.5;
    return { question, isStreamed, leaving: random.uniform() < 0.25 ? planLeaving(isStreamed, random) : undefined };
  });
}

/** `index` is not that of any other question. */
function planQuestion(index: number, shared: readonly Picture[], random: SeededRandom): Question {
  const numPictures = random.uniform() < 0.5 ? 0 : random.integer(1, 6);
  return {
    prefix: random.uniform() < 0.4 ? random.pick(prefixes) : undefined,
    text: `${random.pick(texts)} ${index}`,
    pictures: Array.from({ length: numPictures }, (_, i) =>
      random.uniform() < 0.6 ? random.pick(shared) : drawnAt(1000 + 6 * index + i, random),
    ),
    fields: { max_tokens: random.integer(1, 48), ignore_eos: random.uniform() < 0.5, ...planSampling(random) },
  };
}

function planSampling(random: SeededRandom): object {
  if (random.uniform() < 0.5) return { temperature: 0 };
  return { temperature: random.pick([0.5, 1, 1.5]), top_p: random.pick([0.8, 1]), seed: random.integer(0, 1e6) };
}

/** A tight deadline, or somewhere in the middle of a stream. */
function planLeaving(isStreamed: boolean, random: SeededRandom): Leaving {
  const isCounting = isStreamed && random.uniform() < 0.5;
  return isCounting ? { afterEvents: random.integer(1, 20) } : { afterMs: random.integer(1, 600) };
}

function drawnAt(seed: number, random: SeededRandom): Picture {
  const [width, height] = [random.integer(40, 180), random.integer(40, 180)];
  return { seed, width, height, format: random.pick(['png', 'jpeg', 'webp']) };
}

/** The body of a request that asks this. */
export async function bodyOf({ prefix, text, pictures, fields }: Question): Promise<object> {
  const parts = await Promise.all(pictures.map(async (picture) => picturePart(await draw(picture))));
  const system = prefix === undefined ? [] : [{ role: 'system', content: prefix }];
  return { messages: [...system, { role: 'user', content: [...parts, textPart(text)] }], ...fields };
}

/** Patches of colours that only this seed has. */
function draw({ seed, width, height, format }: Picture): Promise<Buffer> {
  const random = new SeededRandom(seed);
  const [columns, rows] = [6, 5];
  const colours = Uint8Array.from({ length: columns * rows * 3 }, () => random.integer(0, 255));
  return sharp(colours, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .toFormat(format)
    .toBuffer();
}
