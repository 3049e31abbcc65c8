import type { NodeRun } from '@tessera/engine';
import { groupBy } from './group-by.js';

/** Nodes that belong together. */
export interface NodeGroup {
  readonly name: string;
  readonly opType: string;
  readonly numCalls: number;
  /** Waiting included. */
  readonly totalMs: number;
  readonly waitMs: number;
}

/** All calls of one operation together, longest first. */
export function groupByOp(nodes: readonly NodeRun[]): NodeGroup[] {
  return groupNodes(nodes, ({ opType }) => opType);
}

/** Nodes of the same role in every layer together, longest first. */
export function groupByRole(nodes: readonly NodeRun[]): NodeGroup[] {
  return groupNodes(nodes, nodeRole);
}

/** A node's path, one name a level: `/model/layers.3/mlp/Mul` → `layers.3`, `mlp`, `Mul`. */
export function nodePath({ name }: NodeRun): string[] {
  return name.split('/').filter((level) => level !== '' && level !== 'model' && level !== 'visual');
}

/** What a node does in every layer: its path without the layer's number and without the operation, if there is more. */
export function nodeRole(node: NodeRun): string {
  const levels = nodePath(node).filter((level) => !/\.\d+$/.test(level));
  const isNamedByOp = levels.length > 1 && levels.at(-1) === node.opType;
  return (isNamedByOp ? levels.slice(0, -1) : levels).join('/');
}

function groupNodes(nodes: readonly NodeRun[], nameOf: (node: NodeRun) => string): NodeGroup[] {
  const groups = groupBy(nodes, (node) => JSON.stringify([nameOf(node), node.opType]));
  return [...groups.values()]
    .map((group) => ({
      name: nameOf(group[0]),
      opType: group[0].opType,
      numCalls: group.length,
      totalMs: group.reduce((sum, { durationMs }) => sum + durationMs, 0),
      waitMs: group.reduce((sum, { waitMs }) => sum + waitMs, 0),
    }))
    .sort((a, b) => b.totalMs - a.totalMs);
}
