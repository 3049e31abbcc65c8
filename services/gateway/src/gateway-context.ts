import type { Scheduler } from '@tessera/domain';
import type { PromptDeps } from './chat/prepare-prompt.js';
import type { GatewayDeps } from './gateway-deps.js';
import type { ActiveRequests } from './http/active-requests.js';
import type { GenerationMetrics } from './metrics/generation-metrics.js';

/** What the routes of one gateway share. */
export interface GatewayContext extends GatewayDeps, Omit<PromptDeps, 'limits'> {
  /** The cell's leader of the moment; requests outlive it. */
  readonly scheduler: Scheduler;
  readonly active: ActiveRequests;
  readonly generationMetrics: GenerationMetrics;
}
