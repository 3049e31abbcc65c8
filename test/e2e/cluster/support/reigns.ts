import type { Cluster } from './start-cluster.js';

/** What a decoder said when it came to obey somebody. */
export interface Reign {
  readonly decoder: string;
  readonly epoch: number;
  readonly leaderId: string;
}

/** Whom decoders obeyed, in the order of the log. */
export function readReigns({ log }: Cluster): Reign[] {
  const pattern = /^(?<decoder>decoder-\S+) .* obeying a leader epoch=(?<epoch>\d+) leaderId=(?<leaderId>\S+)$/gm;
  return [...log.matchAll(pattern)].map(({ groups }) => ({
    decoder: groups!.decoder!,
    epoch: Number(groups!.epoch),
    leaderId: groups!.leaderId!,
  }));
}

/** The schedulers that believe they lead, as they last said since they were started. */
export function believersOf({ log }: Cluster): string[] {
  const believes = new Map<string, boolean>();
  const pattern = /^(scheduler-\S+) .*(?:(leading the cell)|leading no more|started pid=\d+|ended with .*)$/gm;
  for (const [, name, leads] of log.matchAll(pattern)) believes.set(name!, leads !== undefined);
  return [...believes].filter(([, leads]) => leads).map(([name]) => name);
}
