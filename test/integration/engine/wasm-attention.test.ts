import { type AttentionCapacity, type AttentionShape, type PagedAttention, WasmAttention } from '@tessera/engine';
import { contractCapacity, describePagedAttention } from '@tessera/testkit';
import { expect, test } from 'vitest';

const pageLen = 16;

/** Distance from a softmax in float64; int8 keys and values are off by up to half of 1/127 of their largest. */
const tolerances = { float32: 1e-5, int8: 0.03 } as const;

for (const format of ['float32', 'int8'] as const) {
  const create = (shape: AttentionShape, capacity: AttentionCapacity) => new WasmAttention(shape, capacity, format);

  for (const numThreads of [1, 3]) {
    const capacity = { ...contractCapacity, maxPositions: contractCapacity.numPages * pageLen, numThreads };
    describePagedAttention(
      `the WebAssembly kernel in ${format} on ${numThreads} threads`,
      async (shape) => create(shape, capacity),
      tolerances[format],
    );
  }

  describePagedAttention(
    `the WebAssembly kernel in ${format} at the end of memories of one layer each`,
    async (shape, { numPages }) => {
      const capacity = { ...contractCapacity, maxPositions: numPages * pageLen, numThreads: 2 };
      const pagesBytes = 2 * shape.numKvHeads * shape.headDim * pageLen * (format === 'float32' ? 4 : 1.5);
      const manyPages = Math.floor((3.5 * 2 ** 30) / pagesBytes);
      return lastPages(create(shape, { ...capacity, numPages: manyPages }), numPages);
    },
    tolerances[format],
  );
}

test('the WebAssembly kernel rejects a call in which a thread traps, and every call after it', async () => {
  const shape = { numLayers: 1, numHeads: 2, numKvHeads: 1, headDim: 8 };
  const kernel = new WasmAttention(shape, { ...contractCapacity, maxPositions: 64, numThreads: 3 });
  const numRows = 4;
  const [q, k, v] = [16, 8, 8].map((rowLen) => new Float32Array(numRows * rowLen));
  const attend = (firstPage: number) => {
    const rows = Array.from({ length: numRows }, (_, firstRow) => firstRow);
    // The first page is only read, by whichever thread takes the row; the second is written before.
    const spans = rows.map((firstRow) => ({
      firstRow,
      numRows: 1,
      firstPosition: 16,
      pages: [firstPage, 1 + firstRow],
    }));
    return kernel.attend(0, spans, { q, k, v }, new Float32Array(numRows * 16));
  };
  await attend(0);
  const failure = { name: 'ServingError', reason: 'worker_failed' };
  await expect(attend(2 ** 21)).rejects.toMatchObject(failure);
  await expect(attend(0)).rejects.toMatchObject(failure);
  await kernel.close();
});

/** A kernel that knows only the last `numPages` of another's, which lie behind more than 2 GiB. */
function lastPages(kernel: PagedAttention, numPages: number): PagedAttention {
  const firstPage = kernel.layout.numPages - numPages;
  if (kernel.layout.layersPerMemory !== 1) throw new Error('More than one layer fits into a memory.');
  return {
    layout: { ...kernel.layout, numPages },
    attend: (layer, spans, qkv, out) =>
      kernel.attend(
        layer,
        spans.map((span) => ({ ...span, pages: span.pages.map((page) => page + firstPage) })),
        qkv,
        out,
      ),
    close: () => kernel.close(),
  };
}
