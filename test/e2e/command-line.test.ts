import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEndlessCheckpoint, type EndlessCheckpoint } from './support/endless-checkpoint.js';
import { runTessera, sharedEngineCache } from './support/tessera-process.js';

const model = 'models/tessera-tiny';
const generateFrom = (dir: string, ...args: string[]) =>
  runTessera(['generate', dir, '--engine-cache', sharedEngineCache, ...args]);
const generate = (...args: string[]) => generateFrom(model, ...args);

it('tessera --version is that of its package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../services/cli/package.json', import.meta.url), 'utf8'));
  const shown = runTessera(['--version']);
  expect(await shown.exited).toBe(0);
  expect(shown.output).toBe(`${version}\n`);
});

describe('tessera verify', () => {
  const refusals = [
    ['nope', 'nope: there is no such folder.'],
    ['docs', 'docs: no reference data here; it would be in the folders cases and unit, with checkpoints and media.'],
  ] as const;
  for (const [dir, message] of refusals) {
    it(`refuses ${dir} in a sentence`, async () => {
      const refused = runTessera(['verify', dir]);
      expect(await refused.exited).toBe(1);
      expect(refused.output).toBe(`tessera: ${message}\n`);
    });
  }
});

describe('tessera generate', () => {
  it('answers with the options of serve that size its memory', async () => {
    const picture = ['--image', 'examples/shapes.png'];
    const answered = generate(...picture, '--kv-cache-bytes', '8000000', '--threads', '1', 'What is in this image?');
    expect(await answered.exited).toBe(0);
    expect(answered.output).toContain('a purple triangle, a green square, a black circle.\n');
  });

  const refusals = [
    [['--max-tokens', '1.5'], '--max-tokens: expected int, given 1.5'],
    [['--image', 'README.md'], '--image README.md: a picture must be PNG, JPEG, WebP or GIF; it is none'],
    [
      ['--image', 'examples/shapes.png', '--min-pixels', '2000', '--max-pixels', '1000'],
      '--min-pixels: 2000 is above --max-pixels, 1000',
    ],
    [['--kv-cache-bytes', 'x'], '--kv-cache-bytes: expected number; given: "x"'],
  ] as const;
  for (const [args, message] of refusals) {
    it(`refuses in the words of its flags: ${message}`, async () => {
      const refused = generate(...args, 'What is in this image?');
      expect(await refused.exited).toBe(1);
      expect(refused.output).toBe(`tessera: ${message}\n`);
    });
  }

  describe('of a model that answers until the limit', () => {
    let endless: EndlessCheckpoint;
    beforeAll(async () => {
      endless = await createEndlessCheckpoint();
    });
    afterAll(() => endless?.remove());

    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      it(`ends in a sentence on ${name}, amid its answer`, async () => {
        const broken = generateFrom(endless.dir, '--max-tokens', '4000', 'Write about everything.');
        await broken.printed(/\w/);
        broken.signal(name);
        expect(await broken.exited).toBe(1);
        expect(broken.output).toMatch(/tessera: Interrupted: the answer is not complete\.\n$/);
      });
    }
  });
});
