export { bundledModelDir, defaultEngineCache, type StandaloneConfig, standaloneConfigSchema } from './config.js';
export { type KvBudget, kvBytesPerToken, kvCapacityTokens } from './kv-capacity.js';
export { type StandaloneDeps, type StandaloneServer, startStandalone } from './start-standalone.js';
