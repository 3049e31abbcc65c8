import { FairClocks } from '@tessera/domain';

/** What a fair queue must know of a job. */
export interface PricedJob {
  readonly tenant: string;
  /** What the tower must do for it: t · h · w. */
  readonly numPatches: number;
}

/**
 * Jobs of several tenants in a fair order: a tenant's clock advances by the patches of every job taken, and the lowest
 * clock goes first, among equal ones whoever began to wait first. Within a tenant jobs go in order of arrival.
 */
export class FairQueue<Job extends PricedJob> {
  /** Of tenants that have any, in order of arrival. */
  readonly #waiting = new Map<string, Set<Job>>();
  #clocks = new FairClocks();
  #numJobs = 0;

  get numJobs(): number {
    return this.#numJobs;
  }

  push(job: Job): void {
    let jobs = this.#waiting.get(job.tenant);
    if (jobs === undefined) {
      this.#clocks.join(job.tenant);
      jobs = new Set();
      this.#waiting.set(job.tenant, jobs);
    }
    jobs.add(job);
    this.#numJobs++;
  }

  /** Whose turn it is; it stays in the queue. */
  peek(): Job | undefined {
    const [job] = this.#jobsOfNext() ?? [];
    return job;
  }

  /** Takes what `peek` shows, and charges its tenant. */
  take(): Job | undefined {
    const job = this.peek();
    if (job === undefined) return undefined;
    this.#clocks.charge(job.tenant, job.numPatches);
    this.remove(job);
    return job;
  }

  /** Takes a job out of turn, free of charge; false when it is not in the queue. */
  remove(job: Job): boolean {
    const jobs = this.#waiting.get(job.tenant);
    if (!jobs?.delete(job)) return false;
    if (jobs.size === 0) {
      this.#waiting.delete(job.tenant);
      this.#clocks.leave(job.tenant);
    }
    this.#numJobs--;
    return true;
  }

  /** Lets all tenants start alike again; for when there is nothing to share. */
  resetClocks(): void {
    this.#clocks = new FairClocks();
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const jobs of this.#waiting.values()) yield* jobs;
  }

  #jobsOfNext(): Set<Job> | undefined {
    let next: string | undefined;
    for (const tenant of this.#waiting.keys()) {
      if (next === undefined || this.#clocks.timeOf(tenant) < this.#clocks.timeOf(next)) next = tenant;
    }
    return next === undefined ? undefined : this.#waiting.get(next);
  }
}
