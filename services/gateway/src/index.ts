export type { Cell, Leader, Readiness, SchedulerClient } from './cell/cell.js';
export { type CellOptions, createCell } from './cell/create-cell.js';
export { type GatewayConfig, type GatewayOptions, gatewayConfigSchema, gatewayOptionsOf } from './config.js';
export { createGateway, type Gateway } from './create-gateway.js';
export type { GatewayDeps, ServedModel } from './gateway-deps.js';
export { probeImage } from './media/probe-image.js';
export { type GatewayServerConfig, gatewayServerConfigSchema } from './server-config.js';
export { type GatewayServerDeps, type StartedGateway, startGateway } from './start-gateway.js';
