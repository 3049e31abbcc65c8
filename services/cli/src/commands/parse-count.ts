import { InvalidArgumentError } from 'commander';

/** A flag's positive integer. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a positive integer.');
  return value;
}

/** A flag's integer from 0 on. */
export function parseIndex(text: string): number {
  return text === '0' ? 0 : parseCount(text);
}
