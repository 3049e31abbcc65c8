// Measures llama.cpp and Tessera side by side on this machine, in alternating rounds, and prints the ratios.
//
//   node bench/beside-llama-cpp.mjs --llama-cpp <folder of its programs> --text <gguf> --mmproj <gguf> \
//     --checkpoint <folder> [--weights int8+int4] [--kv int8] [--rounds 2] [--images 448,1092] [--engine-cache <folder>]
//
// Speed only: files of the right shapes with random weights do. A round takes about ten minutes for the 3B on two cores.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import sharp from 'sharp';

const run = promisify(execFile);
const tessera = fileURLToPath(new URL('../services/cli/bin/tessera.mjs', import.meta.url));
const threads = String(availableParallelism());
const [contextLen, promptLen, batchSizes] = [1024, 512, [1, 4, 8]];

const { values: options } = parseArgs({
  options: {
    'llama-cpp': { type: 'string' },
    text: { type: 'string' },
    mmproj: { type: 'string' },
    checkpoint: { type: 'string' },
    weights: { type: 'string', default: 'int8+int4' },
    kv: { type: 'string', default: 'int8' },
    rounds: { type: 'string', default: '2' },
    images: { type: 'string', default: '448,1092' },
    'engine-cache': { type: 'string' },
  },
});
for (const name of ['llama-cpp', 'text', 'mmproj', 'checkpoint']) {
  if (options[name] === undefined) throw new Error(`--${name} is missing; the head of this file says what it is.`);
}
const imageSides = options.images.split(',').map(Number);

/** What is compared: a name, the lowest ratio of speeds that is wanted, and where the milliseconds are. */
const measures = [
  { name: `prefill ${promptLen}`, target: 2 },
  ...batchSizes.map((size) => ({ name: `decode ${size}`, target: { 1: 0.8, 8: 2 }[size] })),
  ...imageSides.map((side) => ({ name: `encode ${side}`, target: 3 })),
];

async function main() {
  const dir = await mkdtemp(join(tmpdir(), 'beside-'));
  const peers = { 'llama.cpp': new Map(), Tessera: new Map() };
  const note = (peer, figures) => {
    for (const [name, ms] of Object.entries(figures)) peers[peer].set(name, [...(peers[peer].get(name) ?? []), ms]);
  };
  try {
    for (let round = 1; round <= Number(options.rounds); round++) {
      console.error(`round ${round} of ${options.rounds}, load ${loadavg()[0].toFixed(1)}`);
      note('llama.cpp', await measureLlamaCpp(dir));
      note('Tessera', await measureTessera(join(dir, `round-${round}`)));
    }
  } finally {
    await rm(dir, { recursive: true });
  }
  print(peers);
}

/** Milliseconds of a prompt, of a step of each batch size after a shared context, and of each picture. */
async function measureLlamaCpp(dir) {
  const figures = {};
  const [prefill] = JSON.parse(
    await llamaCpp('llama-bench', ['-p', String(promptLen), '-n', '0', '-r', '2', '-t', threads, '-o', 'json']),
  );
  figures[`prefill ${promptLen}`] = prefill.avg_ns / 1e6;
  const batched = await llamaCpp('llama-batched-bench', [
    ...['-c', '8800', '-npp', String(contextLen), '-ntg', '32', '-npl', batchSizes.join(','), '-pps'],
    ...['-t', threads, '-tb', threads, '--output-format', 'jsonl'],
  ]);
  for (const line of batched.split('\n').filter((text) => text.startsWith('{"n_kv_max"'))) {
    const { pl, speed_tg: tokensPerSecond } = JSON.parse(line);
    figures[`decode ${pl}`] = (1000 * pl) / tokensPerSecond;
  }
  for (const side of imageSides) {
    const picture = join(dir, `${side}.png`);
    const noise = { type: 'gaussian', mean: 128, sigma: 60 };
    await sharp({ create: { width: side, height: side, channels: 3, background: 'gray', noise } })
      .png()
      .toFile(picture);
    const log = await llamaCpp('llama-mtmd-cli', [
      ...['--mmproj', options.mmproj, '--image', picture, '-p', 'Describe.', '-n', '1', '--temp', '0', '-c', '4096'],
      ...['-t', threads, '-tb', threads, '--no-warmup', '-lv', '4'],
    ]);
    figures[`encode ${side}`] = Number(/mtmd batch encoding done in (\d+) ms/.exec(log)[1]);
  }
  return figures;
}

async function llamaCpp(program, args) {
  const bounds = { maxBuffer: 2 ** 28, timeout: 900_000 };
  const { stdout, stderr } = await run(join(options['llama-cpp'], program), ['-m', options.text, ...args], bounds);
  return program === 'llama-bench' ? stdout : `${stdout}\n${stderr}`;
}

async function measureTessera(results) {
  const cache = options['engine-cache'] ? ['--engine-cache', options['engine-cache']] : [];
  const args = [
    ...['bench', 'engine', options.checkpoint, '--weights', options.weights, '--kv', options.kv, '--results', results],
    ...['--context', String(contextLen), '--prefill', String(promptLen), '--batch', batchSizes.join(',')],
    ...['--image', options.images, '--threads', threads, '--repeat', '3', ...cache],
  ];
  const { stdout } = await run(process.execPath, [tessera, ...args], { timeout: 1_800_000, maxBuffer: 2 ** 26 });
  console.error(stdout);
  const [file] = await readdir(results);
  const lines = (await readFile(join(results, file), 'utf8')).trimEnd().split('\n');
  return JSON.parse(lines.at(-1));
}

function print(peers) {
  const [model] = new Set(cpus().map((cpu) => cpu.model.trim()));
  console.log(
    `${model}, ${threads} threads, ${(totalmem() / 1e9).toFixed(1)} GB of memory, ${new Date().toISOString()}`,
  );
  console.log(`Tessera: --weights ${options.weights} --kv ${options.kv}; llama.cpp: ${options.text.split('/').at(-1)}`);
  console.log('| measure | llama.cpp (ms) | Tessera (ms) | times as fast | wanted |');
  console.log('|---|---|---|---|---|');
  for (const { name, target } of measures) {
    const [theirs, ours] = ['llama.cpp', 'Tessera'].map((peer) => peers[peer].get(name).toSorted((a, b) => a - b));
    const ratio = median(theirs) / median(ours);
    const wanted = target === undefined ? '' : `${target} ${ratio >= target ? '✓' : '✗'}`;
    console.log(`| ${name} | ${spread(theirs)} | ${spread(ours)} | ${ratio.toFixed(2)} | ${wanted} |`);
  }
}

const median = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
const spread = (sorted) => sorted.map((ms) => ms.toFixed(0)).join(' / ');

await main();
