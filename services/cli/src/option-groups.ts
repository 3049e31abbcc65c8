import type { standaloneConfigSchema } from '@tessera/standalone';

export type OptionName = keyof typeof standaloneConfigSchema.shape;

/** The server's options by subject, in the order in which a reader meets them: in `--help` and in docs/configuration.md. */
export const optionGroups = {
  Model: ['model', 'servedModelName', 'engineCache', 'weights', 'tp', 'generationConfig'],
  Address: ['host', 'port'],
  'Engine and memory': [
    'kernel',
    'kv',
    'deterministic',
    'threads',
    'maxSequences',
    'maxStepTokens',
    'maxContextLen',
    'kvCacheTokens',
    'kvCacheBytes',
  ],
  'Limits of a request': [
    'defaultMaxTokens',
    'maxStopStrings',
    'maxBodyBytes',
    'maxJsonDepth',
    'maxJsonValues',
    'bodyTimeoutMs',
    'maxWaitingRequests',
  ],
  Pictures: [
    'maxImages',
    'maxImageBytes',
    'maxImagePixels',
    'maxRequestPixels',
    'maxVisualPixels',
    'embeddingCacheBytes',
    'mediaProcesses',
    'mediaDeadlineMs',
    'mediaMemoryBytes',
  ],
  Files: ['maxFileBytes', 'maxFilesBytes', 'maxInMemoryBytes', 'filesDir'],
  Operation: ['logLevel', 'graceMs', 'tenantSalt'],
} as const satisfies Readonly<Record<string, readonly OptionName[]>>;
