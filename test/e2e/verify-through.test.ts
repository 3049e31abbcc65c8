import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyGoldens } from '../parity/support/golden-copy.js';
import { goldensDir } from '../parity/support/verify-goldens.js';
import { type Server, type ServerOptions, startServer } from './support/start-server.js';
import { runTessera } from './support/tessera-process.js';

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
}

async function verifyThrough(url: string, args: readonly string[] = [], dir = goldensDir): Promise<Outcome> {
  const verify = runTessera(['verify', dir, '--through', url, ...args]);
  const code = await verify.exited;
  return { code, lines: verify.output.trimEnd().split('\n') };
}

const startWith = (checkpoint: string, options: ServerOptions): Promise<Server> =>
  startServer({ model: `${goldensDir}/checkpoints/${checkpoint}`, ...options });

const noDivergence = 'divergences: 0 explained by a margin below 0.0004, 0 unexplained';

describe('tessera verify --through', () => {
  interface Counts {
    readonly numAnswers: number;
    readonly numVideos: number;
  }
  const servers: [title: string, checkpoint: string, options: ServerOptions, args: string[], counts: Counts][] = [
    [
      'two ranks that compute prompts in chunks, plan by plan',
      'tiny-flat',
      { tp: 2, 'max-step-tokens': 32, overlap: 'false' },
      [],
      { numAnswers: 22, numVideos: 5 },
    ],
    [
      'a deterministic server, every case asked three times',
      'tiny-nested',
      { deterministic: true },
      ['--repeat', '3', '--concurrency', '3'],
      { numAnswers: 15, numVideos: 3 },
    ],
    [
      'a server without a prefix cache',
      'mini-real',
      { 'prefix-cache': 'false' },
      ['--repeat', '1'],
      { numAnswers: 4, numVideos: 2 },
    ],
  ];
  for (const [title, checkpoint, options, args, { numAnswers, numVideos }] of servers) {
    it(`agrees with the reference through ${title}`, async () => {
      const server = await startWith(checkpoint, options);
      const { code, lines } = await verifyThrough(server.url, args);
      await server.stop();
      expect(lines.filter((line) => line.startsWith('FAILED'))).toEqual([]);
      expect(lines.at(-3)).toBe(noDivergence);
      const answers = new RegExp(`^9 greedy_tokens +${numAnswers} +0 +exact$`);
      expect(lines).toContainEqual(expect.stringMatching(answers));
      expect(lines.at(-1)).toMatch(new RegExp(`^verify: \\d+ passed, 0 failed, ${numVideos} not applicable in `));
      expect(code).toBe(0);
    });
  }
});

describe('tessera verify --through a server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startWith('tiny-nested', {});
  });
  afterAll(() => server?.stop());

  const textOnly = 'cases/tiny-nested/text_only';
  const files = ['checkpoints/tiny-nested', `${textOnly}.json`, `${textOnly}.safetensors`];

  it('finds ids, tokens and log-probabilities that are not those of the reference', async () => {
    const spoilt = copyGoldens(files);
    spoilt.editJson(`${textOnly}.json`, (record) => {
      record.input_ids[0]++;
      record.greedy_tokens[3]++;
    });
    spoilt.editTensor(`${textOnly}.safetensors`, 'logits_last', (logits) => {
      logits[logits.indexOf(Math.max(...logits))]! += 0.01;
    });
    const { code, lines } = await verifyThrough(server.url, ['--repeat', '1'], spoilt.dir);
    spoilt.remove();
    const failures = lines.flatMap((line) => /^FAILED \d (\w+): tiny-nested\/text_only/.exec(line)?.[1] ?? []);
    expect(failures.sort()).toEqual(['greedy_tokens', 'input_ids', 'top_logprobs']);
    expect(lines.at(-3)).toBe('divergences: 0 explained by a margin below 0.0004, 1 unexplained');
    expect(code).toBe(1);
  });

  it('tells of a divergence that the reference explains, and fails nothing for it', async () => {
    const close = copyGoldens(files);
    close.editJson(`${textOnly}.json`, (record) => {
      record.greedy_tokens[3]++;
      record.margins[3] = 1e-5;
    });
    const { code, lines } = await verifyThrough(server.url, ['--repeat', '1'], close.dir);
    close.remove();
    expect(lines).toContain('explained: tiny-nested/text_only, 8 at once, run 1: step 3 was decided by 1.0e-5');
    expect(code).toBe(0);
  });

  it('takes prompts that are computed again for a failure where they should be found', async () => {
    const uncached = await startWith('tiny-nested', { 'prefix-cache': 'false' });
    const { code, lines } = await verifyThrough(uncached.url);
    await uncached.stop();
    const failures = lines.flatMap((line) => /^FAILED 9 (\w+): .*alone, again/.exec(line)?.[1] ?? []);
    expect(new Set(failures)).toEqual(new Set(['cached_tokens']));
    expect(code).toBe(1);
  });

  it('refuses a folder without the checkpoint that is served, and says what it has', async () => {
    const other = copyGoldens(['checkpoints/tiny-flat', 'cases/tiny-flat/text_only.json']);
    const { code, lines } = await verifyThrough(server.url, [], other.dir);
    other.remove();
    expect(lines).toEqual([
      expect.stringMatching(
        /^tessera: The server serves fp_[\da-f]{12}; .* has cases for tiny-flat \(fp_[\da-f]{12}\)\.$/,
      ),
    ]);
    expect(code).toBe(1);
  });

  it('refuses a model that is not served', async () => {
    const { lines } = await verifyThrough(server.url, ['--model', 'other']);
    expect(lines).toEqual(['tessera: model: there is no model "other" here; "tiny-nested" is served']);
  });

  const refusals: [args: string[], message: string][] = [
    [
      ['--through', 'http://x', '--tp', '2'],
      "error: option '--through <url>' cannot be used with option '--tp <degrees>'",
    ],
    [['--repeat', '2'], 'tessera: --repeat goes with --through only.'],
    [['--through', 'localhost'], 'tessera: --through: "localhost" is no http: or https: address.'],
  ];
  for (const [args, message] of refusals) {
    it(`refuses ${args.join(' ')}`, async () => {
      const refused = runTessera(['verify', goldensDir, ...args]);
      expect(await refused.exited).toBe(1);
      expect(refused.output.split('\n')[0]).toBe(message);
    });
  }
});
