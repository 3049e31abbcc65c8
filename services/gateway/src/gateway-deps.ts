import type { Scheduler, VisionEncoder } from '@tessera/domain';
import type { Processor } from '@tessera/qwen2-5-vl';
import type { Logger, Metrics } from '@tessera/runtime';

/** What the gateway says of the model it serves. */
export interface ServedModel {
  /** Name under which clients ask for it. */
  readonly id: string;
  /** Digest of the checkpoint's content. */
  readonly revision: string;
  readonly createdUnixSeconds: number;
  /** Tokens of prompt and answer together. */
  readonly maxContextLen: number;
}

/** Whether requests can be answered now, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
}

/** Everything outside the gateway that it talks to. */
export interface GatewayDeps {
  readonly processor: Processor;
  readonly model: ServedModel;
  readonly scheduler: Scheduler;
  /** Encoders by the address that the scheduler names in `encodeHere`. */
  readonly encoders: ReadonlyMap<string, VisionEncoder>;
  readonly logger: Logger;
  /** The process's metrics, event-loop lag among them. */
  readonly metrics: Metrics;
  isReady(): Readiness;
}
