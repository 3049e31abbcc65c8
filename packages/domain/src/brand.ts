/** A nominal type: a `Brand<number, 'PageId'>` is a number that only the owner of the name hands out. */
export type Brand<Value, Name extends string> = Value & { readonly __brand: Name };
