import { basename, resolve } from 'node:path';
import { alignColumns } from '../inspect/align-columns.js';
import type { ClusterConfig } from './cluster-config.js';
import type { ClusterProcess, StartedCluster } from './start-cluster.js';

/**
 * What is said of a cluster that serves: where it does, and a row for each process with its metrics and the option by
 * which other commands find it.
 */
export function describeCluster(
  config: Pick<ClusterConfig, 'servedModelName' | 'model' | 'cell'>,
  { urls, processes }: StartedCluster,
  durationMs: number,
): string {
  const model = config.servedModelName ?? basename(resolve(config.model));
  const seconds = (durationMs / 1000).toFixed(1);
  const rows = processes.map((each) => [
    each.name,
    each.pid === undefined ? '' : `pid ${each.pid}`,
    each.url === undefined ? '' : `${each.url}/metrics`,
    optionOf(each, config.cell),
  ]);
  return [
    `Tessera serves ${model} at ${urls.join(', ')} (ready in ${seconds} s, Ctrl-C stops it)`,
    ...alignColumns(rows, ['left', 'left', 'left', 'left']).map((row) => `  ${row}`),
  ].join('\n');
}

function optionOf({ service, address }: ClusterProcess, cell: string): string {
  if (address === undefined) return '';
  const option = `--${service} ${withoutPassword(address)}`;
  return service === 'redis' && cell !== 'default' ? `${option} --cell ${cell}` : option;
}

function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/)?.*@/, '$1***@');
}
