import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { auditCommand } from './commands/audit.js';
import { benchCommand } from './commands/bench.js';
import { clusterCommand } from './commands/cluster.js';
import { compileCommand } from './commands/compile.js';
import { decoderCommand } from './commands/decoder.js';
import { gatewayCommand } from './commands/gateway.js';
import { generateCommand } from './commands/generate.js';
import { inspectCommand } from './commands/inspect.js';
import { pagesCommand } from './commands/pages.js';
import { profileCommand } from './commands/profile.js';
import { quantizationReportCommand } from './commands/quantization-report.js';
import { randomCheckpointCommand } from './commands/random-checkpoint.js';
import { schedulerCommand } from './commands/scheduler.js';
import { serveCommand } from './commands/serve.js';
import { verifyCommand } from './commands/verify.js';
import { visionEncoderCommand } from './commands/vision-encoder.js';
import { reportFailure } from './report-failure.js';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const program = new Command('tessera')
  .description('Serves the Qwen2.5-VL model family on Node.js with ONNX Runtime.')
  .version(manifest.version)
  .showHelpAfterError()
  .addCommand(serveCommand())
  .addCommand(clusterCommand())
  .addCommand(gatewayCommand())
  .addCommand(schedulerCommand())
  .addCommand(visionEncoderCommand())
  .addCommand(decoderCommand())
  .addCommand(compileCommand())
  .addCommand(generateCommand())
  .addCommand(inspectCommand())
  .addCommand(pagesCommand())
  .addCommand(auditCommand())
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
