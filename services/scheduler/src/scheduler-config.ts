/** Limits of the step loop. */
export interface SchedulerConfig {
  /** Requests that may wait for their embeddings or for room; one more is refused. */
  readonly maxWaitingRequests: number;
}

export const defaultSchedulerConfig: SchedulerConfig = { maxWaitingRequests: 256 };
