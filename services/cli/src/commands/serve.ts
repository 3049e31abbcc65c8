import { createLogger, maskSecrets, runUntilSignal } from '@tessera/runtime';
import { standaloneConfigSchema, startStandalone } from '@tessera/standalone';
import { Command } from 'commander';
import { createCompileProgress } from '../compile-progress.js';
import { addConfigOptions, readConfig } from '../config-options.js';
import { reportFailure } from '../report-failure.js';

/** `tessera serve`: the whole service in one process. */
export function serveCommand(): Command {
  const command = new Command('serve').description('Serve a checkpoint folder as an OpenAI-compatible API.');
  return addConfigOptions(command, standaloneConfigSchema).action(serve);
}

async function serve(flags: Record<string, unknown>): Promise<void> {
  const config = readConfig(standaloneConfigSchema, flags);
  const logger = createLogger({ name: 'tessera', level: config.logLevel });
  logger.debug(maskSecrets(standaloneConfigSchema, config), 'options');
  await runUntilSignal(
    async (context) => {
      const progress = createCompileProgress();
      const startMs = performance.now();
      const { url, modelId } = await startStandalone(config, {
        logger,
        context,
        onCompileProgress: progress.onProgress,
      }).finally(progress.finish);
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      console.log(`Tessera serves ${modelId} at ${url} (ready in ${seconds} s, Ctrl-C stops it)`);
    },
    { logger, graceMs: config.graceMs + 5_000, onFailedStart: reportFailure },
  );
}
