/** Options of all services by subject, in the order in which a reader meets them: in `--help` and in docs/configuration.md. */
export const optionGroups = {
  Model: ['model', 'servedModelName', 'engineCache', 'weights', 'tp', 'generationConfig'],
  Processes: ['groups', 'encoders', 'gateways', 'schedulers'],
  Address: ['host', 'port', 'listen', 'meshListen', 'advertiseHost', 'statusListen'],
  Cell: ['cell', 'group', 'rank', 'nats', 'redis', 'scheduler', 'leaseMs', 'silenceMs', 'tlsCa', 'tlsCert', 'tlsKey'],
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
    'prefixCache',
  ],
  Planning: [
    'overlap',
    'stagingTokens',
    'maxEncoderPatches',
    'maxWaitingRequests',
    'maxWaitingTokens',
    'maxWaitingPatches',
    'maxWaitingBytes',
  ],
  'Limits of a request': [
    'defaultMaxTokens',
    'maxStopStrings',
    'maxBodyBytes',
    'maxJsonDepth',
    'maxJsonValues',
    'bodyTimeoutMs',
    'waitForCellMs',
    'resumeMs',
  ],
  Pictures: [
    'maxImages',
    'maxImageBytes',
    'maxImagePixels',
    'maxRequestPixels',
    'maxVisualPixels',
    'embeddingCacheBytes',
    'encodeBatchPatches',
    'encodeAheadBytes',
    'maxQueuedPictures',
    'maxQueuedBytes',
    'mediaProcesses',
    'mediaDeadlineMs',
    'mediaMemoryBytes',
  ],
  Files: ['maxFileBytes', 'maxFilesBytes', 'maxInMemoryBytes', 'filesDir'],
  Operation: ['name', 'logLevel', 'graceMs', 'tenantSalt'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The groups that have some of these options, with those in them. */
export function groupOptions(names: readonly string[]): (readonly [group: string, names: readonly string[]])[] {
  return Object.entries(optionGroups)
    .map(([group, members]) => [group, members.filter((member) => names.includes(member))] as const)
    .filter(([, members]) => members.length > 0);
}
