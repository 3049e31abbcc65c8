import type { PromptDeps } from './chat/prepare-prompt.js';
import type { GatewayDeps } from './gateway-deps.js';
import type { ActiveRequests } from './http/active-requests.js';
import type { GenerationMetrics } from './metrics/generation-metrics.js';

/** What the routes of one gateway share. */
export interface GatewayContext extends GatewayDeps, PromptDeps {
  readonly active: ActiveRequests;
  readonly generationMetrics: GenerationMetrics;
}
