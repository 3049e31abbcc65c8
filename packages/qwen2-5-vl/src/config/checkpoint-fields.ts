import { ServingError } from '@tessera/domain';

/** A parsed JSON object of a checkpoint's file; every read checks the type and names the field when it is wrong. */
export class CheckpointFields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(values: unknown, path: string) {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw invalid(path, 'an object', values);
    }
    this.#values = values as Record<string, unknown>;
    this.#path = path;
  }

  /** The object under `key`; absent and null are undefined, here and in every other read. */
  section(key: string): CheckpointFields | undefined {
    const value = this.#get(key);
    return value === undefined ? undefined : new CheckpointFields(value, this.name(key));
  }

  /** These fields, with those of `other` in front where both have one. */
  overlaidBy(other: CheckpointFields): CheckpointFields {
    return new CheckpointFields({ ...this.#values, ...other.#values }, other.#path);
  }

  count(key: string): number | undefined {
    return this.#read(key, 'a positive integer', (value) => Number.isSafeInteger(value) && (value as number) > 0);
  }

  index(key: string): number | undefined {
    return this.#read(key, 'a non-negative integer', isIndex);
  }

  positiveNumber(key: string): number | undefined {
    return this.#read(key, 'a positive number', (value) => Number.isFinite(value) && (value as number) > 0);
  }

  nonNegativeNumber(key: string): number | undefined {
    return this.#read(key, 'a number of at least 0', (value) => Number.isFinite(value) && (value as number) >= 0);
  }

  flag(key: string): boolean | undefined {
    return this.#read(key, 'a boolean', (value) => typeof value === 'boolean');
  }

  text(key: string): string | undefined {
    return this.#read(key, 'a string', (value) => typeof value === 'string');
  }

  indices(key: string): readonly number[] | undefined {
    return this.#read(key, 'a list of non-negative integers', (value) => Array.isArray(value) && value.every(isIndex));
  }

  /** One number for each colour channel. */
  channels(key: string): readonly [number, number, number] | undefined {
    return this.#read(
      key,
      'three numbers',
      (value) => Array.isArray(value) && value.length === 3 && value.every((entry) => Number.isFinite(entry)),
    );
  }

  strings(key: string): readonly string[] | undefined {
    return this.#read(
      key,
      'a list of strings',
      (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'),
    );
  }

  /** The value as it is, for fields of several forms. */
  raw(key: string): unknown {
    return this.#get(key);
  }

  /** Path of a field as an error names it, such as `config.json: vision_config.depth`. */
  name(key: string): string {
    return this.#path.includes(':') ? `${this.#path}.${key}` : `${this.#path}: ${key}`;
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined;
  }

  #read<Value>(key: string, expected: string, isValid: (value: unknown) => boolean): Value | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!isValid(value)) throw invalid(this.name(key), expected, value);
    return value as Value;
  }
}

function isIndex(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(field: string, expected: string, value: unknown): ServingError {
  const given = JSON.stringify(value) ?? 'nothing';
  return new ServingError('checkpoint_invalid', `${field} must be ${expected}, not ${given}`, { field });
}
