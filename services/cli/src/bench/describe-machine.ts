import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { onnxRuntimeVersion } from '@tessera/engine';
import { formatQuantity } from '@tessera/runtime';

/** What a figure holds on: processor, memory, load, versions and commit. */
export async function describeMachine(): Promise<string> {
  const [model] = [...new Set(cpus().map((cpu) => cpu.model.trim()))];
  return [
    `${model}, ${availableParallelism()} cores, ${formatQuantity(totalmem(), 'bytes')} of memory, load ${loadavg()[0].toFixed(1)}`,
    `Node.js ${process.version}, ONNX Runtime ${onnxRuntimeVersion}, commit ${await commit()}`,
  ].join('\n');
}

async function commit(): Promise<string> {
  const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: import.meta.dirname });
  try {
    const { stdout: hash } = await git('rev-parse', '--short', 'HEAD');
    const { stdout: changes } = await git('status', '--porcelain', '--untracked-files=no');
    return hash.trim() + (changes ? ' with changes' : '');
  } catch {
    return 'unknown: not run from a git checkout';
  }
}
