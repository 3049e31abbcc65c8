import { ServingError } from '@tessera/domain';
import type { TensorShapes } from './model-config.js';

/** What a checkpoint's tensor shapes say about its dimensions. */
export class MeasuredShapes {
  readonly #shapes: TensorShapes | undefined;

  constructor(shapes: TensorShapes | undefined) {
    this.#shapes = shapes;
  }

  get isKnown(): boolean {
    return this.#shapes !== undefined;
  }

  has(tensor: string): boolean {
    return this.#shapes?.has(tensor) ?? false;
  }

  /** Length of one axis of a tensor of that rank; undefined when there is no such tensor. */
  axis(tensor: string, axis: number, rank: number): number | undefined {
    const shape = this.#shapes?.get(tensor);
    return shape?.length === rank ? shape[axis] : undefined;
  }

  /** Number of repetitions of a numbered part: 1 + the highest n of all names that start with `prefix` + n + `.`. */
  repetitions(prefix: string): number | undefined {
    let highest = -1;
    for (const name of this.#shapes?.keys() ?? []) {
      if (name.startsWith(prefix)) highest = Math.max(highest, Number.parseInt(name.slice(prefix.length), 10));
    }
    return highest < 0 ? undefined : highest + 1;
  }
}

/**
 * The value of a field that the file may state and the tensors may show; `usual` is what every published size has.
 * Throws `checkpoint_invalid` when the two disagree or nobody knows.
 */
export function settle(
  field: string,
  stated: number | undefined,
  measured: number | undefined,
  usual?: number | undefined,
): number {
  if (stated !== undefined && measured !== undefined && stated !== measured) {
    throw new ServingError('checkpoint_invalid', `${field} is ${stated}, but the tensors are made for ${measured}`, {
      field,
      stated,
      measured,
    });
  }
  const value = stated ?? measured ?? usual;
  if (value === undefined) {
    throw new ServingError('checkpoint_invalid', `${field} is missing and no tensor shows it`, { field });
  }
  return value;
}
