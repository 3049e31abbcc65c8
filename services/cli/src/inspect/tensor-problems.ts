import { expectedTensors } from '@tessera/onnx-graph';
import type { ModelConfig, TensorShapes } from '@tessera/qwen2-5-vl';

const headName = 'lm_head.weight';

/** Every tensor that is missing, has no place in the model or has another shape, one sentence each. */
export function tensorProblems(config: ModelConfig, shapes: TensorShapes): string[] {
  const expected = expectedTensors(config);
  const missing = [...expected]
    .filter(([name]) => !shapes.has(name))
    .map(([name, shape]) => `missing: ${name} ${format(shape)}`);
  const unused = [...usedShapes(config, shapes)]
    .filter(([name]) => !expected.has(name))
    .map(([name, shape]) => `unused: ${name} ${format(shape)}`);
  const misshaped = [...expected].flatMap(([name, shape]) => {
    const actual = shapes.get(name);
    if (!actual || actual.join() === shape.join()) return [];
    return [`misshaped: ${name} is ${format(actual)} instead of ${format(shape)}`];
  });
  return [...missing, ...unused, ...misshaped];
}

/** The tensors without a head stored beside a tied one, which the model ignores. */
export function usedShapes(config: ModelConfig, shapes: TensorShapes): TensorShapes {
  return new Map([...shapes].filter(([name]) => !(config.isHeadTied && name === headName)));
}

function format(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
