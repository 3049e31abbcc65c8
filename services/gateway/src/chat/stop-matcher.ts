/** Text that may be shown, and whether a stop string followed it. */
export interface MatchedText {
  readonly text: string;
  readonly isStopped: boolean;
}

/** Finds stop strings in text that comes in pieces, and holds back what may be the beginning of one. */
export class StopMatcher {
  #held = '';

  constructor(private readonly stopStrings: readonly string[]) {}

  /** The text up to the first stop string, or all but what may still become one. */
  push(piece: string): MatchedText {
    const text = this.#held + piece;
    const starts = this.stopStrings.map((stop) => text.indexOf(stop)).filter((start) => start !== -1);
    if (starts.length > 0) {
      this.#held = '';
      return { text: text.slice(0, Math.min(...starts)), isStopped: true };
    }
    const numHeld = Math.max(0, ...this.stopStrings.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - numHeld);
    return { text: text.slice(0, text.length - numHeld), isStopped: false };
  }

  /** What was held back, when no more text comes. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** Length of the longest end of `text` that begins `stop` without completing it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
