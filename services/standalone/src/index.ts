export { assertListenable } from './assert-listenable.js';
export { bundledModelDir, type StandaloneConfig, standaloneConfigSchema } from './config.js';
export { type StandaloneDeps, type StandaloneServer, startStandalone } from './start-standalone.js';
