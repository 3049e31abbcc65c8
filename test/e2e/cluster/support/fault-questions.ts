import { evalItem } from '../../support/eval-items.js';
import { picturePart, question, textPart } from '../../support/questions.js';
import { sharedEngineCache } from '../../support/tessera-process.js';

/**
 * The same arithmetic whatever else runs, so that texts can be compared to the letter. Other suites compile the engines
 * of one rank for as many threads as there are cores.
 */
export const exact = { deterministic: true, threads: 1, 'engine-cache': `${sharedEngineCache}-faults` } as const;

const { TESSERA_TEST_SIZE: size } = process.env;

/** How long a server is paused. */
export const pauseMs = size === 'full' ? 30_000 : 6_000;

/**
 * Questions whose answers last for some seconds: with pictures and without, greedy and sampled. Nothing is found in the
 * prefix cache of an earlier round unless that had the same salt.
 */
export function faultQuestions(salt: string): object[] {
  const fields = { max_tokens: 150, ignore_eos: true, cache_salt: salt };
  return [
    question('hello', fields),
    question('Tell me more about what you see.', { ...fields, temperature: 1, seed: 7 }),
    pictureQuestion('describe_001', fields),
    pictureQuestion('table_001', { ...fields, temperature: 0.8, seed: 11 }),
  ];
}

/** An evaluation item's own question, with these fields beside. */
export function pictureQuestion(id: string, fields: object): ReturnType<typeof question> {
  const { picture, prompt } = evalItem(id);
  return question([picturePart(picture), textPart(prompt)], fields);
}
