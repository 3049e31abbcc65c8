// Entry of the thread for large bodies: started by createJsonDesk, never imported.
import { serveWork } from '../thread/serve-work.js';
import type { JsonWork } from './json-desk.js';
import { readJson } from './read-json.js';

serveWork<JsonWork>({ readJson });
