import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { ServingError } from '@tessera/domain';
import { createLogger, type ProcessContext } from '@tessera/runtime';
import { startStandalone } from '@tessera/standalone';
import { Command } from 'commander';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { createCompileProgress } from '../compile-progress.js';
import { addConfigOptions, readConfig } from '../config-options.js';

const serverOptions = ['engineCache', 'weights', 'tp', 'threads', 'generationConfig'] as const;

interface GenerateFlags {
  readonly image: readonly string[];
  readonly system?: string;
  readonly maxTokens?: string;
  readonly temperature?: string;
  readonly seed?: string;
  readonly minPixels?: string;
  readonly maxPixels?: string;
  readonly [serverOption: string]: unknown;
}

/** `tessera generate`: one answer on the terminal, through the same services as an HTTP client's. */
export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Answer one prompt, with or without pictures, and print the answer as it comes.')
    .argument('<checkpoint>', 'checkpoint folder')
    .argument('<prompt>', 'what to ask')
    .option('--image <file>', 'picture to show before the prompt; may be repeated', collect, [])
    .option('--system <text>', 'system message')
    .option('--max-tokens <n>', 'longest answer')
    .option('--temperature <t>', '0 is greedy')
    .option('--seed <n>', 'seed of the sampler')
    .option('--min-pixels <n>', 'fewest pixels a picture is resized to')
    .option('--max-pixels <n>', 'most pixels a picture is resized to');
  return addConfigOptions(command, serverOptions).action(generate);
}

async function generate(checkpoint: string, prompt: string, flags: GenerateFlags): Promise<void> {
  const overrides = Object.fromEntries(serverOptions.map((name) => [name, flags[name]]));
  const config = readConfig({ ...overrides, model: checkpoint, host: '127.0.0.1', port: 0, logLevel: 'warn' });
  const body = await createBody(prompt, flags);
  const closers: (() => void | Promise<void>)[] = [];
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const context: ProcessContext = { signal: interrupt.signal, onShutdown: (_, close) => closers.unshift(close) };
  const progress = createCompileProgress();
  try {
    const deps = {
      logger: createLogger({ name: 'generate', level: 'warn' }),
      context,
      onCompileProgress: progress.onProgress,
    };
    const { url } = await startStandalone(config, deps).finally(progress.finish);
    await printAnswer(`${url}/v1/chat/completions`, body, interrupt.signal);
  } finally {
    for (const close of closers) await close();
  }
}

async function createBody(prompt: string, flags: GenerateFlags): Promise<object> {
  const limits = { min_pixels: readNumber(flags, 'minPixels'), max_pixels: readNumber(flags, 'maxPixels') };
  const images = await Promise.all(
    flags.image.map(async (file) => ({ type: 'image_url', image_url: { url: await toDataUri(file) }, ...limits })),
  );
  const content = images.length > 0 ? [...images, { type: 'text', text: prompt }] : prompt;
  const system = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }];
  return {
    messages: [...system, { role: 'user', content }],
    max_tokens: readNumber(flags, 'maxTokens'),
    temperature: readNumber(flags, 'temperature'),
    seed: readNumber(flags, 'seed'),
    stream: true,
    stream_options: { include_usage: true },
  };
}

async function toDataUri(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause) => {
    throw new ServingError('invalid_option', `--image ${file} cannot be read.`, { option: '--image' }, { cause });
  });
  // The server looks at the bytes, not at the name.
  return `data:image/${extname(file).slice(1) || 'png'};base64,${bytes.toString('base64')}`;
}

async function printAnswer(url: string, body: object, signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
  if (!response.ok || !response.body) throw refusal((await response.json()) as ErrorBody);
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) {
    if (data === '[DONE]') break;
    const chunk = JSON.parse(data);
    if (chunk.error) throw refusal(chunk);
    process.stdout.write(chunk.choices[0]?.delta.content ?? '');
    if (chunk.usage) printUsage(chunk.usage);
  }
}

function printUsage({ prompt_tokens: prompt, completion_tokens: answer, prompt_tokens_details: details }: Usage): void {
  const images = details?.image_tokens ? `, ${details.image_tokens} of them of pictures` : '';
  process.stdout.write('\n');
  process.stderr.write(`(${prompt} prompt tokens${images}; ${answer} in the answer)\n`);
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: { readonly image_tokens?: number };
}

interface ErrorBody {
  readonly error: { readonly message: string };
}

function refusal({ error }: ErrorBody): ServingError {
  return new ServingError('invalid_option', error.message);
}

function readNumber(flags: GenerateFlags, name: string): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  throw new ServingError('invalid_option', `${name}: "${text}" is no number.`, { option: name });
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
