export {
  createLogger,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogStream,
} from './create-logger.js';
export {
  type Counter,
  createMetrics,
  type Gauge,
  type Histogram,
  type MetricOptions,
  type Metrics,
} from './create-metrics.js';
export { createProgress, type PlainStream, type Progress, type ProgressOptions } from './create-progress.js';
export { describeIssue } from './describe-issue.js';
export { describeOption } from './describe-option.js';
export { envName } from './env-name.js';
export { flagName } from './flag-name.js';
export { formatLogLine } from './format-log-line.js';
export { formatDuration, formatQuantity, formatRate, type ProgressUnit } from './format-quantity.js';
export { type ComponentHealth, type ComponentState, createHealth, type Health, type HealthReport } from './health.js';
export { type ConfigSchema, type ConfigSources, loadConfig, maskSecrets } from './load-config.js';
export { type ProcessContext, type RunOptions, runUntilSignal } from './run-until-signal.js';
export { findFreePort } from './servers/find-free-port.js';
export {
  type LaunchedServer,
  type LaunchOptions,
  launchServer,
  type ServerExit,
  type ServerProcess,
} from './servers/launch-server.js';
export { natsServerCommand } from './servers/nats-server-command.js';
export { redisServerCommand } from './servers/redis-server-command.js';
export type { LocalServerOptions, ServerCommand } from './servers/server-command.js';
export { startServer } from './servers/start-server.js';
export { type StatusServer, type StatusSource, serveStatus } from './status/serve-status.js';
export { refineTlsOptions, type TlsFiles, type TlsOptions, tlsFilesOf, tlsOptionsShape } from './tls-options.js';
export type { ProcessHost } from './watch-for-end.js';
