import { invalidField } from './invalid-field.js';

/** The words of a closed set and their numbers in an enum of the wire, both ways. */
export interface EnumWords<Word extends string, Value extends number> {
  numberOf(word: Word): Value;
  /** Throws `invalid_field` for a number without a word: unspecified, or of a later version. */
  wordOf(value: number, field: string): Word;
}

export function createEnumWords<Word extends string, Value extends number>(
  numbers: Readonly<Record<Word, Value>>,
): EnumWords<Word, Value> {
  const words = new Map((Object.keys(numbers) as Word[]).map((word) => [numbers[word] as number, word]));
  return {
    numberOf: (word) => numbers[word],
    wordOf: (value, field) => {
      const word = words.get(value);
      if (word === undefined) throw invalidField(field, `one of ${[...words.values()].join(', ')}`, value);
      return word;
    },
  };
}
