import { type Logger, type LogLevel, type ProcessContext, runUntilSignal } from '@tessera/runtime';
import { reportFailure } from '../report-failure.js';

/** The options that every process of a cluster has. */
export interface ProcessConfig {
  readonly name?: string;
  readonly logLevel: LogLevel;
}

export interface ProcessParts {
  readonly logger: Logger;
  readonly context: ProcessContext;
  /** The process cannot do its work any more: it is closed and exits with 1, so that whoever started it does again. */
  readonly lose: (error: Error) => void;
}

export interface ProcessDefinition<Config extends ProcessConfig> {
  /** Time that closing may take. */
  readonly graceMs: (config: Config) => number;
  readonly start: (config: Config, parts: ProcessParts) => Promise<void>;
}

/** Runs one service of a cluster, or all of them, until a signal or its loss. */
export async function runProcess<Config extends ProcessConfig>(
  config: Config,
  logger: Logger,
  { graceMs, start }: ProcessDefinition<Config>,
): Promise<void> {
  let lose: (error: Error) => void = () => {};
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  await runUntilSignal((context) => start(config, { logger, context, lose }), {
    logger,
    graceMs: graceMs(config),
    onFailedStart: reportFailure,
    lost,
  });
}
