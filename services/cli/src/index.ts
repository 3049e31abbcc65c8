export { type AnswerOptions, type Answers, answerPrompts } from './quantization/answer-prompts.js';
export { Baseline, type EngineComparison } from './quantization/baseline.js';
export { type EvalItem, type MarkedObject, readEvalItems } from './quantization/eval-items.js';
export { type EvalPrompt, preparePrompts } from './quantization/eval-prompts.js';
export { formatScores, formatShare } from './quantization/format-quantization.js';
export type { LogitErrorSummary, Share } from './quantization/logit-errors.js';
export { evalSuite, prepareTappedEngine, scoreItems } from './quantization/quantization-report.js';
export type { Outlier, RowErrorSummary } from './quantization/row-errors.js';
export type { AnswerTokens, EngineSetup, EvalSuite } from './quantization/run-engine.js';
export type { AnswerScores, TaskScores } from './quantization/score-answers.js';
export {
  type RandomCheckpointOptions,
  writeRandomCheckpoint,
} from './random-checkpoint/write-random-checkpoint.js';
export { formatFailure } from './verify/format-report.js';
export { runVerify, type VerifyOptions } from './verify/run-verify.js';
export { type Check, type RungSummary, VerifyReport } from './verify/verify-report.js';
