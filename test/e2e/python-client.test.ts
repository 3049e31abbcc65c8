import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evalItem } from './support/eval-items.js';
import { runPython } from './support/python-environment.js';
import { type Server, startServer } from './support/start-server.js';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

describe("Python's openai package", () => {
  it('asks whole and streamed, uploads, deletes and is refused', async () => {
    const item = evalItem('table_001');
    const picture = fileURLToPath(new URL(`../../models/tessera-tiny/eval/media/${item.id}.png`, import.meta.url));
    const output = await runPython('ask.py', [`${server.url}/v1`, picture, item.prompt]);
    expect(JSON.parse(output)).toEqual({
      model: 'tessera-tiny',
      whole: item.text,
      imageTokens: item.numImageTokens,
      streamed: item.text,
      byFile: item.text,
      deleted: true,
      refusal: { code: 'invalid_field', param: 'temperature' },
    });
  });
});
