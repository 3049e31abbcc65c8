import { expect, it, onTestFinished } from 'vitest';
import { RowFile } from './row-file.js';

function createFile(...rows: number[][]): RowFile {
  const file = new RowFile();
  onTestFinished(() => file.close());
  for (const row of rows) file.append(Float32Array.from(row));
  return file;
}

it('gives rows back in their order, to every reader', () => {
  const file = createFile([1, 2, 3], [4]);
  for (let i = 0; i < 2; i++) {
    const next = file.reader();
    expect([...next(3), ...next(1)]).toEqual([1, 2, 3, 4]);
  }
});

it('keeps a part of a larger array', () => {
  const file = createFile();
  file.append(Float32Array.of(1, 2, 3, 4).subarray(1, 3));
  expect([...file.reader()(2)]).toEqual([2, 3]);
});

it('throws where rows are asked for that were not kept', () => {
  const next = createFile([1, 2]).reader();
  next(1);
  expect(() => next(2)).toThrow('A row of 2 floats');
});
