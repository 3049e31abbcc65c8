import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createLogger } from './create-logger.js';
import { type ProcessContext, type RunOptions, runUntilSignal } from './run-until-signal.js';

/** A process whose end is an event, and a clock that stands still unless it is moved. */
class FakeProcess extends EventEmitter {
  nowMs = 0;
  readonly exitCodes: number[] = [];
  readonly lines: string[] = [];

  exit(code: number): void {
    this.exitCodes.push(code);
  }

  run(start: (context: ProcessContext) => Promise<void>, options: Partial<RunOptions> = {}): Promise<void> {
    const logger = createLogger({ name: 'test', level: 'info', stream: { write: (line) => this.lines.push(line) } });
    return runUntilSignal(start, { logger, host: this, now: () => this.nowMs, ...options });
  }
}

const never = new Promise<void>(() => {});

describe('runUntilSignal', () => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    it(`closes in the opposite order of starting and exits with 0 on ${name}`, async () => {
      const host = new FakeProcess();
      const closed: string[] = [];
      const running = host.run(async ({ onShutdown }) => {
        onShutdown('engine', async () => void closed.push('engine'));
        onShutdown('gateway', () => void closed.push('gateway'));
      });
      host.emit(name);
      await running;
      expect(closed).toEqual(['gateway', 'engine']);
      expect(host.exitCodes).toEqual([0]);
      expect(host.listenerCount(name)).toBe(0);
      expect(host.lines.join('')).toContain(
        `${name}: shutting down; a second signal or Ctrl-C ends the process at once`,
      );
    });
  }

  it('closes what it started and exits with 1 when the service is lost', async () => {
    const host = new FakeProcess();
    const closed: string[] = [];
    const lost = Promise.resolve(new Error('the engine is gone'));
    await host.run(async ({ onShutdown }) => onShutdown('server', () => void closed.push('server')), { lost });
    expect(closed).toEqual(['server']);
    expect(host.exitCodes).toEqual([1]);
    expect(host.lines.join('')).toContain('the engine is gone');
  });

  it('exits with 1 when a task throws, after the other tasks', async () => {
    const host = new FakeProcess();
    const closed: string[] = [];
    const running = host.run(async ({ onShutdown }) => {
      onShutdown('engine', () => void closed.push('engine'));
      onShutdown('gateway', () => Promise.reject(new Error('busy')));
    });
    host.emit('SIGTERM');
    await running;
    expect(closed).toEqual(['engine']);
    expect(host.exitCodes).toEqual([1]);
    expect(host.lines.join('')).toContain('could not close gateway');
  });

  it('exits with 1 when closing takes longer than the grace time', async () => {
    const host = new FakeProcess();
    const running = host.run(async ({ onShutdown }) => onShutdown('engine', () => never), { graceMs: 5 });
    host.emit('SIGTERM');
    await running;
    expect(host.exitCodes).toEqual([1]);
    expect(host.lines.join('')).toContain('closing took longer than 5 ms');
  });

  it('exits at once on a second signal', async () => {
    const host = new FakeProcess();
    const running = host.run(async ({ onShutdown }) => onShutdown('engine', () => never));
    host.emit('SIGINT');
    host.nowMs = 500;
    host.emit('SIGINT');
    await running;
    expect(host.exitCodes).toEqual([1]);
    expect(host.lines.join('')).toContain('SIGINT while closing');
  });

  it('takes a signal delivered twice for one', async () => {
    const host = new FakeProcess();
    const running = host.run(async ({ onShutdown }) => onShutdown('engine', () => {}));
    host.emit('SIGINT');
    host.nowMs = 499;
    host.emit('SIGINT');
    await running;
    expect(host.exitCodes).toEqual([0]);
  });

  for (const event of ['unhandledRejection', 'uncaughtException']) {
    it(`logs an ${event}, closes and exits with 1`, async () => {
      const host = new FakeProcess();
      const closed: string[] = [];
      const running = host.run(async ({ onShutdown }) => onShutdown('engine', () => void closed.push('engine')));
      host.emit(event, new Error('page 7 freed twice'));
      await running;
      expect(closed).toEqual(['engine']);
      expect(host.exitCodes).toEqual([1]);
      expect(host.lines.join('')).toContain('page 7 freed twice');
    });
  }

  it('closes what a failed start had started and exits with 1', async () => {
    const host = new FakeProcess();
    const closed: string[] = [];
    await host.run(async ({ onShutdown }) => {
      onShutdown('engine', () => void closed.push('engine'));
      throw new Error('port 8080 is taken');
    });
    expect(closed).toEqual(['engine']);
    expect(host.exitCodes).toEqual([1]);
    expect(host.lines.join('')).toContain('port 8080 is taken');
  });

  it('leaves it to the caller to tell why a start failed', async () => {
    const host = new FakeProcess();
    const failures: unknown[] = [];
    const error = new Error('port 8080 is taken');
    await host.run(() => Promise.reject(error), { onFailedStart: (failure) => failures.push(failure) });
    expect(failures).toEqual([error]);
    expect(host.lines).toEqual([]);
    expect(host.exitCodes).toEqual([1]);
  });

  it('tells a start in flight to give up, and closes what it had started', async () => {
    const host = new FakeProcess();
    const closed: string[] = [];
    const running = host.run(async ({ signal, onShutdown }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      onShutdown('engine', () => void closed.push('engine'));
    });
    host.emit('SIGINT');
    await running;
    expect(closed).toEqual(['engine']);
    expect(host.exitCodes).toEqual([0]);
  });
});
