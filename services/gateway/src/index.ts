export { type GatewayConfig, type GatewayOptions, gatewayConfigSchema } from './config.js';
export { createGateway, type Gateway } from './create-gateway.js';
export type { GatewayDeps, Readiness, ServedModel } from './gateway-deps.js';
export { probeImage } from './media/probe-image.js';
