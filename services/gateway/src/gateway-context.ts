import type { ResumingScheduler } from './cell/resuming-scheduler.js';
import type { PromptDeps } from './chat/prepare-prompt.js';
import type { GatewayDeps } from './gateway-deps.js';
import type { ActiveRequests } from './http/active-requests.js';
import type { GenerationMetrics } from './metrics/generation-metrics.js';

/** What the routes of one gateway share. */
export interface GatewayContext extends GatewayDeps, Omit<PromptDeps, 'limits'> {
  readonly scheduler: ResumingScheduler;
  readonly active: ActiveRequests;
  readonly generationMetrics: GenerationMetrics;
}
