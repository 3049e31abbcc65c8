import { createLogger, maskSecrets } from '@tessera/runtime';
import { standaloneConfigSchema, startStandalone } from '@tessera/standalone';
import { Command } from 'commander';
import { createCompileProgress } from '../compile-progress.js';
import { addConfigOptions, readConfig } from '../config-options.js';
import { runProcess } from '../process/run-process.js';

/** `tessera serve`: the whole service in one process. */
export function serveCommand(): Command {
  const command = new Command('serve').description('Serve a checkpoint folder as an OpenAI-compatible API.');
  return addConfigOptions(command, standaloneConfigSchema).action(serve);
}

async function serve(flags: Record<string, unknown>): Promise<void> {
  const config = readConfig(standaloneConfigSchema, flags);
  const logger = createLogger({ name: 'tessera', level: config.logLevel });
  logger.debug(maskSecrets(standaloneConfigSchema, config), 'options');
  await runProcess(config, logger, {
    graceMs: ({ graceMs }) => graceMs + 5_000,
    start: async (_config, { context, lose }) => {
      const progress = createCompileProgress();
      const startMs = performance.now();
      const { url, modelId, lost } = await startStandalone(config, {
        logger,
        context,
        onCompileProgress: progress.onProgress,
      }).finally(progress.finish);
      void lost.then(lose);
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      console.log(`Tessera serves ${modelId} at ${url} (ready in ${seconds} s, Ctrl-C stops it)`);
    },
  });
}
