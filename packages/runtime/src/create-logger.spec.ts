import { ServingError } from '@tessera/domain';
import { describe, expect, it } from 'vitest';
import { createLogger } from './create-logger.js';

function capture(isTTY: boolean) {
  const lines: string[] = [];
  return { lines, stream: { isTTY, write: (text: string) => lines.push(text) } };
}

describe('createLogger', () => {
  it('writes JSON with the name of the service where there is no terminal', () => {
    const { lines, stream } = capture(false);
    createLogger({ name: 'gateway', stream }).info({ port: 8080 }, 'listening');
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 30, name: 'gateway', port: 8080, msg: 'listening' });
  });

  it('writes one readable line on a terminal', () => {
    const { lines, stream } = capture(true);
    createLogger({ name: 'gateway', stream }).warn({ port: 8080, model: 'tiny model', tags: ['a'] }, 'slow start');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}slow start port=8080 model="tiny model" tags=\["a"\]\n$/);
  });

  it('writes nothing below its level', () => {
    const { lines, stream } = capture(false);
    createLogger({ name: 'gateway', level: 'warn', stream }).info('listening');
    expect(lines).toEqual([]);
  });

  it('tells reason, facts and cause of a ServingError', () => {
    const { lines, stream } = capture(false);
    const cause = new Error('ENOSPC');
    const err = new ServingError('disk_full', 'no space for the engine', { numBytes: 12 }, { cause });
    createLogger({ name: 'cli', stream }).error({ err }, 'could not compile');
    expect(JSON.parse(lines[0]!).err).toMatchObject({
      message: 'no space for the engine',
      reason: 'disk_full',
      code: 'RESOURCE_EXHAUSTED',
      facts: { numBytes: 12 },
      cause: { message: 'ENOSPC' },
    });
  });

  it('shows stacks of an error and its cause on a terminal', () => {
    const { lines, stream } = capture(true);
    const err = new Error('no reply', { cause: new Error('socket closed') });
    createLogger({ name: 'cli', stream }).error({ err }, 'failed');
    expect(lines[0]).toMatch(/failed\n {2}Error: no reply\n[\s\S]* {2}caused by\n {2}Error: socket closed\n/);
  });

  it('shows only the messages of what it warns of', () => {
    const { lines, stream } = capture(true);
    const err = new Error('no reply', { cause: new Error('socket closed', { cause: new Error('closed') }) });
    createLogger({ name: 'cli', stream }).warn({ err }, 'again');
    expect(lines[0]).toMatch(/again\n {2}no reply\n {2}caused by\n {2}socket closed\n$/);
  });

  it('masks secrets, nested ones too', () => {
    const { lines, stream } = capture(false);
    createLogger({ name: 'gateway', stream }).info({ headers: { authorization: 'Bearer x' }, apiKey: 'y' }, 'request');
    expect(JSON.parse(lines[0]!)).toMatchObject({ headers: { authorization: '***' }, apiKey: '***' });
  });
});
