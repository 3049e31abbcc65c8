import { ServingError } from '@tessera/domain';
import { alternation } from '../tokenizer/literal-splitter.js';

/** Keeps special tokens that stand in messages apart from those that the template writes. */
export interface TextGuard {
  /** The text with a marker inside every special token, and behind an end that the next text might complete to one. */
  guard(text: string): string;
  /** The text without markers. */
  unguard(text: string): string;
}

/** A guard whose marker occurs in none of `texts`. */
export function createTextGuard(specialTokens: Iterable<string>, texts: readonly string[]): TextGuard {
  const tokens = [...specialTokens];
  const pattern = alternation(tokens);
  if (pattern === undefined) return { guard: (text) => text, unguard: (text) => text };
  const marker = unusedCharacter(texts);
  // One character at a time, so that a token which begins inside another is broken too.
  const firstCharacter = new RegExp(`(?=${pattern})[^]`, 'g');
  return {
    guard(text) {
      const broken = text.replace(firstCharacter, (character) => character + marker);
      return tokens.some((token) => endsWithBeginning(broken, token)) ? broken + marker : broken;
    },
    unguard: (text) => text.replaceAll(marker, ''),
  };
}

function endsWithBeginning(text: string, token: string): boolean {
  for (let length = Math.min(text.length, token.length - 1); length > 0; length--) {
    if (text.endsWith(token.slice(0, length))) return true;
  }
  return false;
}

/** Noncharacters first, which no exchanged text should hold, then private use. */
const candidateRanges = [
  [0xfdd0, 0xfdef],
  [0xe000, 0xf8ff],
] as const;

function unusedCharacter(texts: readonly string[]): string {
  for (const [first, last] of candidateRanges) {
    for (let code = first; code <= last; code++) {
      const character = String.fromCharCode(code);
      if (!texts.some((text) => text.includes(character))) return character;
    }
  }
  throw new ServingError('invalid_field', 'the messages use every private-use character; none is left as a marker', {
    field: 'messages',
  });
}
