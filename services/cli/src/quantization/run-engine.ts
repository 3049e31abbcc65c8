import { embeddingKey } from '@tessera/domain';
import { CpuEncoder, LocalRankGroup } from '@tessera/engine';
import { readManifest } from '@tessera/onnx-graph';
import type { Processor } from '@tessera/qwen2-5-vl';
import { answerPrompts } from './answer-prompts.js';
import type { EvalPrompt } from './eval-prompts.js';
import { forcedRows } from './forced-rows.js';
import type { RowPlace } from './row-errors.js';

/** Tokens of answers without their stop token, by prompt. */
export type AnswerTokens = ReadonlyMap<string, readonly number[]>;

/** What engines are compared on. */
export interface EvalSuite {
  readonly processor: Processor;
  readonly prompts: readonly EvalPrompt[];
  /** Answers that are forced; by default those that the fp32 engine gives. */
  readonly references?: AnswerTokens;
  readonly maxNewTokens: number;
}

/** An engine compiled with taps, and how it is run. */
export interface EngineSetup {
  readonly engineDir: string;
  readonly kvDtype: 'float32' | 'int8';
  readonly numThreads: number;
  readonly onProgress: (what: string) => void;
}

/** A row of values inside an engine; `layer` counts blocks of the tower and layers of the decoder. */
export interface EngineRow extends RowPlace {
  readonly stage: 'block' | 'embedding' | 'layer' | 'logits';
  readonly layer: number;
  readonly values: Float32Array;
  /** Of logits: what the forced answer goes on with. */
  readonly nextToken?: number;
}

export type VisitRow = (row: EngineRow) => void;

const numLanes = 8;
const pageLen = 16;
/** Rows of a picture that are looked at, evenly spaced. */
const maxPictureRows = 64;

/**
 * Runs an engine over a suite and lets `visit` see its rows: the tower's, then the decoder's with the answers forced.
 * Tower and decoder are not in memory together. Returns the answers that the engine gives by itself.
 */
export async function runEngine(
  setup: EngineSetup,
  suite: EvalSuite,
  forced: AnswerTokens | undefined,
  visit: VisitRow,
): Promise<AnswerTokens> {
  const embeddings = await runTower(setup, suite, visit);
  setup.onProgress('loading the decoder');
  const decoder = await loadDecoder(setup, suite, forced);
  try {
    for (const [id, data] of embeddings) {
      const numTokens = data.length / decoder.description.hiddenSize;
      await decoder.stage({ embeddingKey: embeddingKey(id), numTokens, data });
    }
    setup.onProgress('answering');
    const answers = await answerFreely(decoder, suite);
    setup.onProgress('forcing answers');
    const prompts = suite.prompts.map((prompt) => ({ ...prompt, answer: (forced ?? answers).get(prompt.id) ?? [] }));
    for await (const { prompt, token, layers, logits, nextToken } of forcedRows(decoder, prompts, numLanes)) {
      const { hiddenSize } = decoder.description;
      for (let layer = 0; layer < layers.length / hiddenSize; layer++) {
        const values = layers.subarray(layer * hiddenSize, (layer + 1) * hiddenSize);
        visit({ stage: 'layer', layer, prompt, row: token, values });
      }
      if (logits) visit({ stage: 'logits', layer: 0, prompt, row: token, values: logits, nextToken });
    }
    return answers;
  } finally {
    await decoder.close();
  }
}

/** Embeddings by prompt. */
async function runTower(
  { engineDir, numThreads, onProgress }: EngineSetup,
  { prompts }: EvalSuite,
  visit: VisitRow,
): Promise<ReadonlyMap<string, Float32Array>> {
  onProgress('loading the tower');
  const { hiddenSize, outHiddenSize } = (await readManifest(engineDir)).config.vision;
  const encoder = await CpuEncoder.create(engineDir, { numThreads });
  const embeddings = new Map<string, Float32Array>();
  try {
    for (const { id: prompt, visual } of prompts) {
      if (!visual) continue;
      onProgress(`encoding ${prompt}`);
      const [{ blocks }] = await encoder.tap([visual]);
      for (const [layer, block] of blocks.entries()) {
        for (const { row, values } of someRows(block, hiddenSize))
          visit({ stage: 'block', layer, prompt, row, values });
      }
      const [embedding] = await encoder.encode([visual]);
      for (const { row, values } of someRows(embedding, outHiddenSize)) {
        visit({ stage: 'embedding', layer: 0, prompt, row, values });
      }
      embeddings.set(prompt, embedding);
    }
  } finally {
    await encoder.close();
  }
  return embeddings;
}

function* someRows(matrix: Float32Array, rowLen: number): Generator<{ row: number; values: Float32Array }> {
  const numRows = matrix.length / rowLen;
  for (let row = 0; row < numRows; row += Math.ceil(numRows / maxPictureRows)) {
    yield { row, values: matrix.subarray(row * rowLen, (row + 1) * rowLen) };
  }
}

function loadDecoder(
  { engineDir, kvDtype, numThreads }: EngineSetup,
  { prompts, processor, maxNewTokens }: EvalSuite,
  forced: AnswerTokens = new Map(),
): Promise<LocalRankGroup> {
  const lengths = prompts.map(({ id, built }) => {
    return built.tokenIds.length + Math.max(maxNewTokens, forced.get(id)?.length ?? 0);
  });
  const laneTokens = Math.ceil(Math.max(...lengths) / pageLen) * pageLen;
  return LocalRankGroup.create(engineDir, {
    numThreads,
    kernel: 'wasm',
    kvDtype,
    numLanes,
    kvCapacityTokens: numLanes * laneTokens,
    maxStepTokens: numLanes * laneTokens,
    numTokens: processor.tokenizer.numTokens,
  });
}

async function answerFreely(decoder: LocalRankGroup, suite: EvalSuite): Promise<AnswerTokens> {
  const stopTokenIds = suite.processor.generation.eosTokenIds;
  const { prompts, maxNewTokens } = suite;
  const answers = await answerPrompts(decoder, prompts, { numLanes, maxNewTokens, stopTokenIds });
  const withoutStop = [...answers].map(([id, tokens]) => {
    const ids = tokens.map(({ tokenId }) => tokenId);
    return [id, stopTokenIds.includes(ids.at(-1) ?? 0) ? ids.slice(0, -1) : ids] as const;
  });
  return new Map(withoutStop);
}
