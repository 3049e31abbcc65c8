import { describe, expect, it } from 'vitest';
import { capture, excerpt, showElapsed } from './run-step.mjs';

describe('capture', () => {
  it('returns both streams and the exit code', async () => {
    const script = 'process.stdout.write("out "); process.stderr.write("err"); process.exitCode = 3;';
    const { exitCode, output } = await capture(process.execPath, ['-e', script], {});
    expect(exitCode).toBe(3);
    expect(output.split(' ').sort().join('')).toBe('errout');
  });

  it('reports a command that does not exist like a shell', async () => {
    expect(await capture('no-such-command', [], {})).toMatchObject({ exitCode: 127 });
  });
});

describe('showElapsed', () => {
  it('writes one line to a log file', () => {
    const written = [];
    showElapsed('Building', { isTTY: false, write: (text) => written.push(text) }).finish('done');
    expect(written.join('')).toMatch(/^Building … done in \d+\.\d s\n$/);
  });

  it('redraws the line on a terminal', () => {
    const written = [];
    showElapsed('Building', { isTTY: true, write: (text) => written.push(text) }).finish('done');
    expect(written.join('')).toMatch(/^Building … \rBuilding … \d+\.\d s, done\n$/);
  });
});

describe('excerpt', () => {
  it('shows a short output whole', () => expect(excerpt('a\nb\nc\nd\n\n', 2)).toBe('a\nb\nc\nd'));
  it('shows both ends of a long one', () => expect(excerpt('a\nb\nc\nd\ne', 1)).toBe('a\n… 3 lines …\ne'));
});
