import { type WeightPart, weightParts } from '@tessera/onnx-graph';
import { formatQuantity } from '@tessera/runtime';
import { alignColumns } from './align-columns.js';
import type { Inspection, InspectOptions } from './inspect-checkpoint.js';
import type { PublishedMatch } from './published-match.js';
import type { Quantization } from './quantization-of.js';
import { describeWorkingPart, workingParts } from './working-memory.js';

const maxListedProblems = 40;

/** An inspection for reading on a terminal; `options` are those it was made with. */
export function formatInspection(inspection: Inspection, options: InspectOptions): string {
  const sections = [
    [inspection.dir],
    configSection(inspection),
    filesSection(inspection),
    parametersSection(inspection),
    memorySection(inspection, options),
    problemsSection(inspection.problems),
  ];
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

function configSection({ config: { text, vision, specialTokens, isHeadTied } }: Inspection): string[] {
  const { bos, visionStart, visionEnd, image, video } = specialTokens;
  const heads = `${text.numHeads} heads of ${text.headDim}, ${text.numKvHeads} for keys and values`;
  return labelled('Configuration', [
    ['language part', `${text.numLayers} layers of ${text.hiddenSize}, intermediate ${text.intermediateSize}`],
    ['', heads],
    ['', `vocabulary ${number(text.vocabSize)}, head ${isHeadTied ? 'tied to the embedding table' : 'of its own'}`],
    ['', `M-RoPE ${text.mropeSections.join(' + ')}, theta ${number(text.ropeTheta)}`],
    ['', `context ${number(text.maxPositionEmbeddings)}, norm epsilon ${text.rmsNormEps.toExponential()}`],
    ['vision tower', `${vision.depth} blocks of ${vision.hiddenSize}, intermediate ${vision.intermediateSize}`],
    ['', `${vision.numHeads} heads of ${vision.headDim}, output ${vision.outHiddenSize}`],
    [
      '',
      `patches of ${vision.patchSize} × ${vision.patchSize} × ${vision.temporalPatchSize}, merged ${mergeOf(vision)}`,
    ],
    ['', `windows of ${vision.windowSize} pixels, full attention in blocks ${vision.fullAttentionBlocks.join(', ')}`],
    ['', `${vision.tokensPerSecond} temporal positions a second of video`],
    [
      'special tokens',
      `vision start ${visionStart}, end ${visionEnd}, image ${image}, video ${video}, bos ${bos ?? '–'}`,
    ],
  ]);
}

function mergeOf({ spatialMergeSize }: Inspection['config']['vision']): string {
  return `${spatialMergeSize} × ${spatialMergeSize}`;
}

function filesSection({ shards, dtypes, quantization, metadataFiles }: Inspection): string[] {
  const rows = shards.map(({ file, numBytes, numTensors }) => [
    `  ${file}`,
    formatQuantity(numBytes, 'bytes'),
    `${number(numTensors)} tensors`,
  ]);
  const formats = Object.entries(dtypes).map(([dtype, numTensors]) => `${number(numTensors)} ${dtype}`);
  if (quantization) formats.push(`${number(quantization.numMatrices)} packed matrices`);
  return [
    `Files: ${formatQuantity(sum(shards.map(({ numBytes }) => numBytes)), 'bytes')} of tensors, ${formats.join(', ')}`,
    ...alignColumns(rows, ['left', 'right', 'right']),
    `  ${metadataFiles.join(', ')}`,
    ...(quantization ? [`Quantised: ${describeQuantization(quantization)}`] : []),
  ];
}

function describeQuantization({ method, bits, groupLen, isSymmetric, isInOrder }: Quantization): string {
  return [
    `${method.toUpperCase()} of ${bits} bits`,
    groupLen === undefined ? 'a scale a row' : `groups of ${groupLen}`,
    isSymmetric ? 'symmetric' : 'with zero points',
    ...(isInOrder ? [] : ['columns sorted by activation']),
  ].join(', ');
}

function parametersSection({ counts, published }: Inspection): string[] {
  const rows = [
    ['Parameters', 'tensors', 'parameters'],
    ...Object.entries({ 'language part': counts.language, 'vision part': counts.vision, total: counts.total }).map(
      ([part, { numTensors, numParams }]) => [`  ${part}`, number(numTensors), number(numParams)],
    ),
  ];
  return [...alignColumns(rows, ['left', 'right', 'right']), ...formatMatch(published)];
}

function formatMatch({ size, differences }: PublishedMatch): string[] {
  if (!size) return ['  no published size is this wide'];
  if (differences.length === 0) return [`  matches the published ${size}`];
  return [`  differs from the published ${size}:`, ...differences.map((difference) => `    ${difference}`)];
}

const partTitles: Readonly<Record<WeightPart, string>> = {
  decoder: 'decoder',
  head: 'head',
  tower: 'vision tower',
  merger: 'merger',
};

function memorySection(
  { kvBytesPerToken, memory, tensorParallelDegrees }: Inspection,
  { kvCache, work }: InspectOptions,
): string[] {
  const { half, float32, int8 } = kvBytesPerToken;
  const bytes = (numBytes: number): string => formatQuantity(numBytes, 'bytes');
  const kvForm = kvCache.kv === 'float32' ? 'fp32' : kvCache.kv;
  const rows = [
    ...weightParts.map((part) => [
      `  ${partTitles[part]}`,
      bytes(memory.weightBytes[part]),
      `weights in ${memory.weightForms[part].join(' and ')}`,
    ]),
    ['  KV cache', bytes(memory.kvCacheBytes), `${number(memory.kvCacheTokens)} tokens in ${kvForm}`],
    ...workingParts.map((part) => {
      const { title, detail } = describeWorkingPart(part, work);
      return [`  ${title}`, bytes(memory.workingBytes[part]), detail];
    }),
    ['  total', bytes(memory.totalBytes), 'at most; the embedding table stays on disk'],
  ];
  return [
    'Most memory to serve',
    ...alignColumns(rows, ['left', 'right', 'left']),
    '',
    `KV bytes a token: ${number(half)} in bf16, ${number(float32)} in fp32, ${number(int8)} in int8`,
    `Tensor-parallel degrees: ${tensorParallelDegrees.join(', ')}`,
  ];
}

function problemsSection(problems: readonly string[]): string[] {
  if (problems.length === 0) return ['No problems found.'];
  const listed = problems.slice(0, maxListedProblems).map((problem) => `  ${problem}`);
  const more = problems.length > listed.length ? [`  … and ${problems.length - listed.length} more`] : [];
  return [`Problems (${number(problems.length)})`, ...listed, ...more];
}

function labelled(title: string, rows: readonly (readonly [label: string, value: string])[]): string[] {
  return [
    title,
    ...alignColumns(
      rows.map(([label, value]) => [`  ${label}`, value]),
      ['left', 'left'],
    ),
  ];
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
