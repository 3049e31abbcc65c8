import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { prepareEngine, readFreeBytes } from '@tessera/engine';
import { parseWeightPlan, servingOptions } from '@tessera/onnx-graph';
import { formatQuantity, type Logger, type ProcessContext, runUntilSignal } from '@tessera/runtime';
import { assertListenable } from '@tessera/standalone';
import { Command } from 'commander';
import { type ClusterConfig, clusterConfigSchema } from '../cluster/cluster-config.js';
import { createClusterLog } from '../cluster/cluster-log.js';
import { describeCluster } from '../cluster/describe-cluster.js';
import { portOf, type Shares, shareMachine } from '../cluster/plan-cluster.js';
import { startCluster } from '../cluster/start-cluster.js';
import { createCompileProgress } from '../compile-progress.js';
import { addConfigOptions, readConfig } from '../config-options.js';
import { reportFailure } from '../report-failure.js';

/** `tessera cluster`: every service as processes of this machine, watched over by this one. */
export function clusterCommand(): Command {
  const command = new Command('cluster').description('Serve a checkpoint folder by many processes on this machine.');
  return addConfigOptions(command, clusterConfigSchema).action(runCluster);
}

async function runCluster(flags: Record<string, unknown>): Promise<void> {
  const config = readConfig(clusterConfigSchema, flags);
  const log = createClusterLog({ level: config.logLevel });
  const logger = log.loggerOf('cluster');
  await runUntilSignal(
    async (context) => {
      const startMs = performance.now();
      for (let index = 0; index < config.gateways; index++) {
        await assertListenable({ host: config.host, port: portOf(config, index) });
      }
      const shares = shareMachine(config, { numCores: availableParallelism(), freeBytes: readFreeBytes() });
      tellShares(config, shares, logger);
      await compile(config, shares, context);
      const cluster = await startCluster(config, shares, { log, context });
      console.log(describeCluster(config, cluster, performance.now() - startMs));
    },
    { logger, graceMs: config.graceMs + 45_000, onFailedStart: reportFailure },
  );
}

function tellShares({ groups, tp, encoders }: ClusterConfig, { threads, kvCacheBytes }: Shares, logger: Logger): void {
  const numProcesses = groups * tp + encoders;
  const kvCache = formatQuantity(kvCacheBytes, 'bytes');
  logger.info(
    `${availableParallelism()} cores for ${numProcesses} processes that compute: ${threads} threads each; at most ${kvCache} of KV cache a decoder`,
  );
}

/** Once for all processes, which find it. */
async function compile(config: ClusterConfig, { threads }: Shares, { signal }: ProcessContext): Promise<void> {
  const { onProgress, finish } = createCompileProgress();
  await prepareEngine(resolve(config.model), servingOptions(parseWeightPlan(config.weights), config.tp), {
    cacheDir: config.engineCache,
    numThreads: threads,
    onProgress,
    signal,
  }).finally(finish);
}
