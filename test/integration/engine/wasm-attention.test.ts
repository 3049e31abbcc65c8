import { type AttentionCapacity, type AttentionShape, type PagedAttention, WasmAttention } from '@tessera/engine';
import { contractCapacity, describePagedAttention } from '@tessera/testkit';

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
