import { ServingError } from '@tessera/domain';
import { type KV, type NatsConnection, NatsError } from 'nats';
import { z } from 'zod';
import type { LeaseHolder, LeaseStore } from '../lease/lease-store.js';

const key = 'leader';
const holderSchema = z.object({ candidate: z.string(), token: z.string() });

/** JetStream: the expected revision is not the last one. */
const wrongLastSequence = 10071;
const streamNotFound = 10059;

/** A lease in a bucket of its own, whose entries live as long as the lease: nats-server 2.9 has no lives of keys. */
export class NatsLeaseStore implements LeaseStore {
  readonly #bucket: KV;

  private constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** Creates the bucket when there is none. Throws `invalid_option` when there is one of leases of another length. */
  static async open(nc: NatsConnection, bucket: string, ttlMs: number): Promise<NatsLeaseStore> {
    const kv = await nc.jetstream({ timeout: ttlMs / 6 }).views.kv(bucket, { ttl: ttlMs, timeout: ttlMs / 6 });
    const { ttl } = await kv.status();
    if (ttl === ttlMs) return new NatsLeaseStore(kv);
    const advice = `all candidates must ask for the same; "nats kv del ${bucket}" lets them begin anew`;
    throw new ServingError('invalid_option', `Leases of ${bucket} last ${ttl} ms, not ${ttlMs} ms: ${advice}.`);
  }

  /** Undefined when there is no bucket, so no candidate yet. */
  static async find(nc: NatsConnection, bucket: string, timeoutMs: number): Promise<NatsLeaseStore | undefined> {
    try {
      const js = nc.jetstream({ timeout: timeoutMs });
      return new NatsLeaseStore(await js.views.kv(bucket, { bindOnly: true, timeout: timeoutMs }));
    } catch (error) {
      if (hasApiCode(error, streamNotFound)) return undefined;
      throw error;
    }
  }

  create(holder: LeaseHolder): Promise<number | undefined> {
    return unlessOutrun(this.#bucket.create(key, JSON.stringify(holder)));
  }

  renew(holder: LeaseHolder, revision: number): Promise<number | undefined> {
    return unlessOutrun(this.#bucket.update(key, JSON.stringify(holder), revision));
  }

  async read(): Promise<{ readonly holder: LeaseHolder; readonly revision: number } | undefined> {
    const entry = await this.#bucket.get(key);
    if (entry?.operation !== 'PUT') return undefined;
    return { holder: holderSchema.parse(entry.json()), revision: entry.revision };
  }

  async free(revision: number): Promise<void> {
    await unlessOutrun(this.#bucket.delete(key, { previousSeq: revision }));
  }
}

/** Undefined when another write came first. */
async function unlessOutrun<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (hasApiCode(error, wrongLastSequence)) return undefined;
    throw error;
  }
}

function hasApiCode(error: unknown, code: number): boolean {
  return error instanceof NatsError && error.api_error?.err_code === code;
}
