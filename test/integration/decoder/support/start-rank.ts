import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Member } from '@tessera/bus';
import type { RankAddress } from '@tessera/rpc';

const entry = fileURLToPath(new URL('./decoder-process.mjs', import.meta.url));

/** A decoder process; it never outlives this one. */
export interface RankProcess extends RankAddress {
  /** As what it is announced. */
  readonly member: Member;
  readonly isReady: boolean;
  /** What it logged so far. */
  readonly log: string;
  signal(name: NodeJS.Signals): void;
  /** Ends it however it is, and waits until it is gone. */
  kill(): Promise<void>;
  /** Asks it to end; returns its exit status. */
  stop(): Promise<number | null>;
}

/** Starts a decoder with these options, and waits until it can be led. */
export async function startRank(options: object): Promise<RankProcess> {
  const child = fork(entry, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const started = once(child, 'message') as Promise<[Pick<RankProcess, 'member' | 'isReady'>]>;
  const failed = exited.then(([code]) => Promise.reject(new Error(`The decoder ended with ${code}:\n${log}`)));
  const [{ member, isReady }] = await Promise.race([started, failed]);
  // From here on its end is what a test may be about.
  failed.catch(() => {});
  return {
    member,
    isReady,
    address: member.address,
    meshAddress: String(member.facts.meshAddress),
    get log() {
      return log;
    },
    signal: (name) => child.kill(name),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    },
  };
}
