import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { benchCommand } from './commands/bench.js';
import { compileCommand } from './commands/compile.js';
import { generateCommand } from './commands/generate.js';
import { inspectCommand } from './commands/inspect.js';
import { profileCommand } from './commands/profile.js';
import { quantizationReportCommand } from './commands/quantization-report.js';
import { randomCheckpointCommand } from './commands/random-checkpoint.js';
import { serveCommand } from './commands/serve.js';
import { verifyCommand } from './commands/verify.js';
import { reportFailure } from './report-failure.js';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const program = new Command('tessera')
  .description('Serves the Qwen2.5-VL model family on Node.js with ONNX Runtime.')
  .version(manifest.version)
  .showHelpAfterError()
  .addCommand(serveCommand())
  .addCommand(compileCommand())
  .addCommand(generateCommand())
  .addCommand(inspectCommand())
  .addCommand(verifyCommand())
  .addCommand(quantizationReportCommand())
  .addCommand(randomCheckpointCommand())
  .addCommand(benchCommand())
  .addCommand(profileCommand());

try {
  await program.parseAsync();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
