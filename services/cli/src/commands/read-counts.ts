import { ServingError } from '@tessera/domain';

/** Positive integers, comma-separated, or words that stand for a number; throws `invalid_option`. */
export function readCounts(flag: string, text: string, words: Readonly<Record<string, number>> = {}): number[] {
  return text.split(',').map((item) => {
    const value = words[item.trim()] ?? Number(item);
    const isCount = value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 1);
    if (isCount) return value;
    const alternatives = Object.keys(words).map((word) => ` or "${word}"`);
    throw new ServingError('invalid_option', `${flag}: "${item}" is no positive number${alternatives.join('')}.`, {
      option: flag,
    });
  });
}
