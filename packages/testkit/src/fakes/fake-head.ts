import type { SampledToken, SamplingParams } from '@tessera/domain';
import { floatsOf, mixDigest } from './fake-digest.js';

/** Logits [vocabSize] that follow from a digest. */
export function fakeLogits(digest: number, vocabSize: number): Float32Array {
  return floatsOf(mixDigest(digest, 0x1065), vocabSize).map((value) => 4 * value);
}

/** What is sampled is a function of logits, position and, of the parameters, temperature, seed and choice. */
export function fakeChoice(
  logits: Float32Array,
  position: number,
  { temperature, seed, choiceIndex, numTopLogprobs }: SamplingParams,
): Required<Pick<SampledToken, 'tokenId' | 'decisionMargin'>> & Pick<SampledToken, 'logprob' | 'topLogprobs'> {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32), choiceIndex, position].reduce(mixDigest, 0);
  const noise = (id: number) => -temperature * Math.log(-Math.log((mixDigest(key, id) + 0.5) / 2 ** 32));
  const scores = temperature === 0 ? logits : Float64Array.from(logits, (logit, id) => logit + noise(id));
  const [best, second] = rank(scores);
  const choice = { tokenId: best, decisionMargin: scores[best] - scores[second] };
  if (numTopLogprobs === undefined) return choice;
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  const entry = (tokenId: number) => ({ tokenId, logprob: logits[tokenId] - total });
  return { ...choice, ...entry(best), topLogprobs: rank(logits).slice(0, numTopLogprobs).map(entry) };
}

/** Ids from the best to the worst, the lower of two equals first. */
function rank(scores: ArrayLike<number>): number[] {
  return Array.from(scores, (_, id) => id).sort((a, b) => scores[b] - scores[a] || a - b);
}
