import { ServingError } from '@tessera/domain';
import { createLogger, type ProcessContext } from '@tessera/runtime';
import { type StandaloneConfig, standaloneConfigSchema, startStandalone } from '@tessera/standalone';
import { Command } from 'commander';
import { createCompileProgress } from '../compile-progress.js';
import { addConfigOptions, readConfig } from '../config-options.js';
import { explainRefusal } from '../generate/explain-refusal.js';
import { createQuestionBody, type QuestionFlags } from '../generate/question-body.js';
import { type AnswerUsage, streamAnswer } from '../generate/stream-answer.js';
import { untilInterrupted } from '../until-interrupted.js';

/** The server's options that make sense for one request. */
const serverOptions = [
  ...['engineCache', 'weights', 'tp', 'generationConfig'],
  ...['kernel', 'kv', 'threads', 'maxStepTokens', 'maxContextLen', 'kvCacheTokens', 'kvCacheBytes'],
  ...['mediaProcesses', 'mediaDeadlineMs', 'mediaMemoryBytes'],
] as const;

type ServerFlags = Readonly<Partial<Record<(typeof serverOptions)[number], string>>>;

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
  return addConfigOptions(command, standaloneConfigSchema, serverOptions).action(generate);
}

async function generate(checkpoint: string, prompt: string, flags: QuestionFlags & ServerFlags): Promise<void> {
  const overrides = Object.fromEntries(serverOptions.map((name) => [name, flags[name]]));
  const own = { model: checkpoint, host: '127.0.0.1', port: 0, logLevel: 'warn', maxSequences: 1 };
  const config = readConfig(standaloneConfigSchema, { ...overrides, ...own });
  const body = await createQuestionBody(prompt, flags);
  await untilInterrupted((signal) => answer(config, body, flags.image, signal));
}

/** Serves for as long as one answer takes; throws `cancelled` when it is interrupted. */
async function answer(
  config: StandaloneConfig,
  body: object,
  images: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const context: ProcessContext = { signal, onShutdown: (_, close) => closers.unshift(close) };
  const logger = createLogger({ name: 'generate', level: 'warn', stream: process.stderr });
  const progress = createCompileProgress();
  try {
    const deps = { logger, context, onCompileProgress: progress.onProgress };
    const { url } = await startStandalone(config, deps).finally(progress.finish);
    for await (const chunk of streamAnswer(`${url}/v1/chat/completions`, body, signal)) {
      if (chunk.error) throw explainRefusal(chunk.error, images);
      process.stdout.write(chunk.choices?.[0]?.delta.content ?? '');
      if (chunk.usage) printUsage(chunk.usage);
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new ServingError('cancelled', 'Interrupted: the answer is not complete.', {}, { cause });
  } finally {
    for (const close of closers) await close();
  }
}

function printUsage({ prompt_tokens: prompt, completion_tokens: answer, prompt_tokens_details: details }: AnswerUsage) {
  const images = details?.image_tokens ? `, ${details.image_tokens} of them of pictures` : '';
  process.stdout.write('\n');
  process.stderr.write(`(${prompt} prompt tokens${images}; ${answer} in the answer)\n`);
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
