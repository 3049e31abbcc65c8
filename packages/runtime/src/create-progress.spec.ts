import { describe, expect, it } from 'vitest';
import { createProgress, type ProgressOptions } from './create-progress.js';

function follow(options: Partial<ProgressOptions>) {
  const clock = { nowMs: 1_000 };
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) };
  const progress = createProgress({ title: 'Compiling', total: 100, stream, now: () => clock.nowMs, ...options });
  return { clock, lines, progress };
}

describe('createProgress without a terminal', () => {
  it('writes a line every few seconds, with rate and time left', () => {
    const { clock, lines, progress } = follow({ total: 10e9, unit: 'bytes' });
    for (let second = 1; second <= 10; second++) {
      clock.nowMs += 1_000;
      progress.advance(0.5e9);
    }
    expect(lines).toEqual([
      'Compiling: 25 %, 2.50 GB of 10.0 GB, 500 MB/s, 15 s left\n',
      'Compiling: 50 %, 5.00 GB of 10.0 GB, 500 MB/s, 10 s left\n',
    ]);
  });

  it('counts things', () => {
    const { clock, lines, progress } = follow({ total: 40, lineIntervalMs: 1_000 });
    clock.nowMs += 2_000;
    progress.advance(10);
    expect(lines).toEqual(['Compiling: 25 %, 10 of 40, 5.0/s, 6 s left\n']);
  });

  it('follows a change of speed within seconds', () => {
    const { clock, lines, progress } = follow({ total: 1_000, lineIntervalMs: 20_000 });
    for (let second = 1; second <= 20; second++) {
      clock.nowMs += 1_000;
      progress.advance(second <= 10 ? 50 : 10);
    }
    expect(lines).toEqual(['Compiling: 60 %, 600 of 1,000, 10/s, 40 s left\n']);
  });

  it('ends with what was done and how long it took', () => {
    const { clock, lines, progress } = follow({ total: 1234 });
    clock.nowMs += 65_000;
    progress.finish();
    expect(lines).toEqual(['Compiling: 1,234 in 1 min 05 s\n']);
  });

  it('says where it stopped', () => {
    const { lines, progress } = follow({});
    progress.advance(30);
    progress.fail();
    expect(lines).toEqual(['Compiling: stopped at 30 %\n']);
  });

  it('is done when there is nothing to do', () => {
    const { lines, progress } = follow({ total: 0 });
    progress.fail();
    expect(lines).toEqual(['Compiling: stopped at 100 %\n']);
  });
});

describe('createProgress', () => {
  it('says nothing when silent', () => {
    const { clock, lines, progress } = follow({ isSilent: true });
    clock.nowMs += 60_000;
    progress.advance(50);
    progress.finish();
    expect(lines).toEqual([]);
  });
});
