import './disable-telemetry.js';

import { env } from 'onnxruntime-node';

/** Version of the inference engine that runs the graphs. */
export const onnxRuntimeVersion: string = env.versions.node ?? env.versions.common;
