import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { sliceOf } from '../checkpoint/weight-slice.js';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataLocation } from '../gen/onnx_pb.js';
import { GraphBuilder } from './graph-builder.js';

const locations = new Map([['model.w', { offset: 64, numBytes: 48 }]]);

/** The graph as a reader of the file sees it. */
function parsed(graph: GraphBuilder) {
  return fromBinary(ModelProtoSchema, graph.serialize('weights.bin', locations));
}

describe('GraphBuilder', () => {
  it('writes a model that states its versions', () => {
    const model = parsed(new GraphBuilder('head'));
    expect(model.irVersion).toBe(10n);
    expect(model.producerName).toBe('tessera');
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ['', 21n],
      ['com.microsoft', 1n],
    ]);
    expect(model.graph?.name).toBe('head');
  });

  it('names nodes and their values after their paths', () => {
    const graph = new GraphBuilder('g');
    const x = graph.input('x', 'float32', ['n', 4]);
    const y = graph.node('/model/layers.0/mlp', 'Mul', [x, x]);
    expect(y).toBe('/model/layers.0/mlp/Mul/output_0');
    expect(parsed(graph).graph?.node[0]).toMatchObject({
      name: '/model/layers.0/mlp/Mul',
      opType: 'Mul',
      domain: '',
      input: ['x', 'x'],
      output: ['/model/layers.0/mlp/Mul/output_0'],
    });
  });

  it('returns every output of a node that has several', () => {
    const graph = new GraphBuilder('g');
    expect(graph.multiNode('/split', 'Split', ['x'], 3)).toEqual([
      '/split/Split/output_0',
      '/split/Split/output_1',
      '/split/Split/output_2',
    ]);
  });

  it('writes an absent optional input as an empty name', () => {
    const graph = new GraphBuilder('g');
    graph.node('/attn', 'MultiHeadAttention', ['q', undefined, 'v']);
    expect(parsed(graph).graph?.node[0].input).toEqual(['q', '', 'v']);
  });

  it('puts operators of ONNX Runtime into their domain', () => {
    const graph = new GraphBuilder('g');
    graph.node('/attn', 'MultiHeadAttention', ['q']);
    graph.node('/act', 'Sigmoid', ['q']);
    expect(parsed(graph).graph?.node.map(({ domain }) => domain)).toEqual(['com.microsoft', '']);
  });

  it('types attributes by their values', () => {
    const graph = new GraphBuilder('g');
    graph.node('/a', 'A', ['x'], { i: 1, big: 2n ** 40n, f: 0.5, whole: { float: 1 }, s: 'none', ints: [1, 2] });
    const types = AttributeProto_AttributeType;
    expect(parsed(graph).graph?.node[0].attribute).toMatchObject([
      { name: 'i', type: types.INT, i: 1n },
      { name: 'big', type: types.INT, i: 2n ** 40n },
      { name: 'f', type: types.FLOAT, f: 0.5 },
      { name: 'whole', type: types.FLOAT, f: 1 },
      { name: 's', type: types.STRING, s: new TextEncoder().encode('none') },
      { name: 'ints', type: types.INTS, ints: [1n, 2n] },
    ]);
  });

  it('describes inputs and outputs with fixed and named dimensions', () => {
    const graph = new GraphBuilder('g');
    graph.output('y', graph.input('x', 'int64', ['n', 4]), 'float32', ['n']);
    const { input = [], output = [], node = [] } = parsed(graph).graph ?? {};
    const described = [...input, ...output].map(({ name, type }) => {
      const tensor = type?.value.value;
      return [name, tensor?.elemType, tensor?.shape?.dim.map(({ value }) => value.value)];
    });
    expect(described).toEqual([
      ['x', 7, ['n', 4n]],
      ['y', 1, ['n']],
    ]);
    expect(node).toMatchObject([{ opType: 'Identity', input: ['x'], output: ['y'] }]);
  });

  it('needs no extra node for an output under its own name', () => {
    const graph = new GraphBuilder('g');
    graph.output('x', graph.input('x', 'float32', ['n']), 'float32', ['n']);
    expect(parsed(graph).graph?.node).toEqual([]);
  });

  it('keeps small integers inside the graph, once a name', () => {
    const graph = new GraphBuilder('g');
    graph.ints('shape', [-1, 8]);
    graph.ints('shape', [-1, 8]);
    const [tensor, ...others] = parsed(graph).graph?.initializer ?? [];
    expect(others).toEqual([]);
    expect(tensor).toMatchObject({ name: 'shape', dataType: 7, dims: [2n] });
    expect([...new BigInt64Array(tensor.rawData.slice().buffer)]).toEqual([-1n, 8n]);
  });

  it('refers to weights in their file', () => {
    const graph = new GraphBuilder('g');
    const slices = [sliceOf('model.w', [3, 4])];
    expect(graph.weight({ name: 'model.w', slices, form: { kind: 'fp32' } })).toEqual(['model.w']);
    expect(parsed(graph).graph?.initializer).toMatchObject([
      {
        name: 'model.w',
        dataType: 1,
        dims: [3n, 4n],
        rawData: new Uint8Array(0),
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [
          { key: 'location', value: 'weights.bin' },
          { key: 'offset', value: '64' },
          { key: 'length', value: '48' },
        ],
      },
    ]);
  });
});
