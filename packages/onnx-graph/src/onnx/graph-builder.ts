import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from '../gen/onnx_pb.js';
import { type ExternalTensor, type MatrixWeight, tensorsOf } from '../weights/matrix-weight.js';
import type { WeightLocation } from './weight-file.js';

/** Element types of graph values, with ONNX's numbers. */
const elementTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

export type Dim = number | string;
type AttributeValue = number | bigint | string | readonly number[];

/** An attribute that must be a float although its value is integral. */
export interface FloatAttribute {
  readonly float: number;
}

/** Name of a value in the graph. */
export type Value = string;

const irVersion = 10n;
const opsets = [
  { domain: '', version: 21n },
  { domain: 'com.microsoft', version: 1n },
];

/**
 * Builds one ONNX graph. Node names are paths such as `/model/layers.0/self_attn/q_proj/Gemm`, so that a graph viewer
 * is the documentation; a node's value is named after it.
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #inputs: MessageInitShape<typeof ValueInfoProtoSchema>[] = [];
  readonly #outputs: MessageInitShape<typeof ValueInfoProtoSchema>[] = [];
  readonly #nodes: MessageInitShape<typeof NodeProtoSchema>[] = [];
  readonly #constants = new Map<string, MessageInitShape<typeof TensorProtoSchema>>();
  readonly #weights = new Map<string, MatrixWeight>();

  constructor(name: string) {
    this.#name = name;
  }

  input(name: string, type: ElementType, dims: readonly Dim[]): Value {
    this.#inputs.push(valueInfo(name, type, dims));
    return name;
  }

  /** Declares `value` as an output under its own name, or under `name` through an Identity. */
  output(name: string, value: Value, type: ElementType, dims: readonly Dim[]): void {
    if (name !== value) {
      this.#nodes.push({ opType: 'Identity', name: `/${name}/Identity`, input: [value], output: [name] });
    }
    this.#outputs.push(valueInfo(name, type, dims));
  }

  /** Adds a node at `path` and returns its first output. An undefined input is an absent optional one. */
  node(
    path: string,
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, AttributeValue | FloatAttribute>> = {},
  ): Value {
    return this.multiNode(path, opType, inputs, 1, attributes)[0];
  }

  multiNode(
    path: string,
    opType: string,
    inputs: readonly (Value | undefined)[],
    numOutputs: number,
    attributes: Readonly<Record<string, AttributeValue | FloatAttribute>> = {},
  ): Value[] {
    const name = `${path}/${opType}`;
    const output = Array.from({ length: numOutputs }, (_, i) => `${name}/output_${i}`);
    this.#nodes.push({
      name,
      opType,
      domain: contribOps.has(opType) ? 'com.microsoft' : '',
      input: inputs.map((input) => input ?? ''),
      output,
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return output;
  }

  /** A weight kept in external data, encoded from the checkpoint when the graph is written; its tensors' names. */
  weight(weight: MatrixWeight): Value[] {
    this.#weights.set(weight.name, weight);
    return tensorsOf(weight).map(({ name }) => name);
  }

  /** A small tensor of integers inside the graph. */
  ints(name: string, values: readonly number[], dims: readonly number[] = [values.length]): Value {
    const rawData = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    this.#constants.set(name, { name, dataType: elementTypes.int64, dims: dims.map(BigInt), rawData });
    return name;
  }

  /** A small constant of the graph; a single value without dimensions by default. */
  constant(name: string, type: 'float32' | 'uint8', value: number): Value {
    const rawData = new Uint8Array((type === 'float32' ? Float32Array : Uint8Array).of(value).buffer);
    this.#constants.set(name, { name, dataType: elementTypes[type], dims: [], rawData });
    return name;
  }

  get weights(): ReadonlyMap<string, MatrixWeight> {
    return this.#weights;
  }

  /** The serialised model; `locations` says where each weight lies in `weightFile`, a path beside the model. */
  serialize(weightFile: string, locations: ReadonlyMap<string, WeightLocation>): Uint8Array {
    const external = [...this.#weights.values()]
      .flatMap(tensorsOf)
      .map((tensor) => externalTensor(tensor, weightFile, locations.get(tensor.name) as WeightLocation));
    const model = create(ModelProtoSchema, {
      irVersion,
      producerName: 'tessera',
      opsetImport: opsets,
      graph: {
        name: this.#name,
        node: this.#nodes,
        input: this.#inputs,
        output: this.#outputs,
        initializer: [...this.#constants.values(), ...external],
      },
    });
    return toBinary(ModelProtoSchema, model);
  }
}

/** Operators of ONNX Runtime's own domain. */
const contribOps = new Set([
  'RotaryEmbedding',
  'MultiHeadAttention',
  'MatMulNBits',
  'MatMulIntegerToFloat',
  'QuickGelu',
  'SkipSimplifiedLayerNormalization',
]);

function valueInfo(
  name: string,
  type: ElementType,
  dims: readonly Dim[],
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = dims.map((d) =>
    typeof d === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(d) } }
      : { value: { case: 'dimParam' as const, value: d } },
  );
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: elementTypes[type], shape: { dim } } } },
  };
}

function attribute(
  name: string,
  value: AttributeValue | FloatAttribute,
): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'object' && 'float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === 'object') return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
  if (typeof value === 'bigint' || Number.isInteger(value)) return { name, type: AttributeType.INT, i: BigInt(value) };
  return { name, type: AttributeType.FLOAT, f: value };
}

function externalTensor(
  tensor: ExternalTensor,
  weightFile: string,
  { offset, numBytes }: WeightLocation,
): MessageInitShape<typeof TensorProtoSchema> {
  return {
    name: tensor.name,
    dataType: elementTypes[tensor.type],
    dims: tensor.dims.map(BigInt),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: 'location', value: weightFile },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(numBytes) },
    ],
  };
}
