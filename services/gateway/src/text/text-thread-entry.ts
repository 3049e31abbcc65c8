// Entry of the text thread: started by createTextThread, never imported.
import { deserialize } from 'node:v8';
import { workerData } from 'node:worker_threads';
import { createProcessor } from '@tessera/qwen2-5-vl';
import { serveWork } from '../thread/serve-work.js';
import { createTextWork, type TextWork } from './text-work.js';

serveWork<TextWork>(createTextWork(createProcessor(deserialize(Buffer.from(workerData as SharedArrayBuffer)))));
