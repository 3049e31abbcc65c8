import type { GraphRun, NodeRun } from '@tessera/engine';
import { nodePath } from './node-groups.js';
import type { PhaseProfile } from './phase-profile.js';
import { partsOfStep } from './step-parts.js';

export type FlameKind = 'group' | 'kernel' | 'waiting' | 'host';

/** A time and what it is made of; children sum to at most `ms`. */
export interface FlameNode {
  readonly name: string;
  readonly ms: number;
  readonly kind: FlameKind;
  readonly children: readonly FlameNode[];
}

/** The profiled step: graphs in the order in which they ran, in each the levels of its nodes' paths. */
export function flameOfPhase({ title, profiled }: PhaseProfile): FlameNode {
  const others = partsOfStep(profiled)
    .filter(({ numRuns }) => numRuns === undefined)
    .map(({ name, totalMs, kernelMs, waitMs }) =>
      leaf(name, totalMs, kernelMs > 0 ? 'kernel' : waitMs > 0 ? 'waiting' : 'host'),
    );
  return group(title, profiled.spent.totalMs, [...profiled.runs.map(flameOfRun), ...others]);
}

function flameOfRun({ graph, durationMs, nodes }: GraphRun): FlameNode {
  const root = new Branch();
  for (const node of nodes) root.add(nodePath(node), node);
  const operations = root.children();
  const name = graph.replace(/^.*\//, '').replace(/\.onnx$/, '');
  return group(name, durationMs, [...operations, leaf('between operations', durationMs - sumMs(operations), 'host')]);
}

/** Nodes by the levels of their paths. */
class Branch {
  readonly #branches = new Map<string, Branch>();
  #ownMs = 0;
  #ownWaitMs = 0;

  add([level, ...rest]: readonly string[], node: NodeRun): void {
    if (level === undefined) {
      this.#ownMs += node.durationMs;
      this.#ownWaitMs += node.waitMs;
      return;
    }
    const branch = this.#branches.get(level) ?? new Branch();
    this.#branches.set(level, branch);
    branch.add(rest, node);
  }

  children(): FlameNode[] {
    return [...this.#branches].map(([name, branch]) => branch.#toFlame(name));
  }

  #toFlame(name: string): FlameNode {
    const waiting = this.#ownWaitMs > 0 ? [leaf('waiting for threads', this.#ownWaitMs, 'waiting')] : [];
    const own: FlameNode = { name, ms: this.#ownMs, kind: 'kernel', children: waiting };
    if (this.#branches.size === 0) return own;
    const children = [...(this.#ownMs > 0 ? [own] : []), ...this.children()];
    return group(name, sumMs(children), children);
  }
}

function group(name: string, ms: number, children: readonly FlameNode[]): FlameNode {
  return { name, ms, kind: 'group', children };
}

function sumMs(nodes: readonly FlameNode[]): number {
  return nodes.reduce((sum, { ms }) => sum + ms, 0);
}

function leaf(name: string, ms: number, kind: FlameKind): FlameNode {
  return { name, ms, kind, children: [] };
}
