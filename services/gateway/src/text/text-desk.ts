import type { Processor } from '@tessera/qwen2-5-vl';
import { createTextThread } from './create-text-thread.js';
import { createTextWork, type TextWork } from './text-work.js';

/** Characters that a token of usual text has. */
const charactersPerToken = 4;

/** Texts of more than about 4096 tokens leave the event loop: tokenising takes a microsecond or two a character. */
const maxLocalCharacters = 4096 * charactersPerToken;

/** How large a piece of text work is, and who still waits for it. */
export interface TextErrand {
  readonly numCharacters: number;
  readonly signal: AbortSignal;
}

/** Does text work at once where it is short, and in a thread where it would hold the event loop. */
export interface TextDesk {
  /** What `TextWork`'s method of this name gives; rejects as it throws, or as `WorkThread.run` does. */
  run<Name extends keyof TextWork>(
    name: Name,
    args: Parameters<TextWork[Name]>,
    errand: TextErrand,
  ): Promise<ReturnType<TextWork[Name]>>;
  close(): Promise<void>;
}

export function createTextDesk(processor: Processor): TextDesk {
  const work = createTextWork(processor);
  const thread = createTextThread(processor.files);
  return {
    run: async (name, args, { numCharacters, signal }) => {
      if (numCharacters > maxLocalCharacters) return thread.run(name, args, signal);
      return (work[name] as (...given: typeof args) => ReturnType<TextWork[typeof name]>)(...args);
    },
    close: () => thread.close(),
  };
}

/** Characters that so many tokens stand for, about. */
export function charactersOf(numTokens: number): number {
  return numTokens * charactersPerToken;
}
