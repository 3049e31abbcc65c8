import type { VisionEncoder } from '@tessera/domain';
import type { Processor } from '@tessera/qwen2-5-vl';
import type { Logger, Metrics } from '@tessera/runtime';
import type { Cell } from './cell/cell.js';

/** Under which name the cell's model is served. */
export interface ServedModel {
  /** Name under which clients ask for it. */
  readonly id: string;
  readonly createdUnixSeconds: number;
}

/** Everything outside the gateway that it talks to. */
export interface GatewayDeps {
  /** Of the same checkpoint as the cell's. */
  readonly processor: Processor;
  readonly model: ServedModel;
  /** Closed with the gateway. */
  readonly cell: Cell;
  /** The encoder at an address that the scheduler names in `encodeHere`. */
  readonly encoders: (address: string) => VisionEncoder;
  readonly logger: Logger;
  /** The process's metrics, event-loop lag among them. */
  readonly metrics: Metrics;
}
