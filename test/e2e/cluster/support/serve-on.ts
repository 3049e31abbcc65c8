import type { ApiClient } from '../../support/api-client.js';
import { faultQuestions } from './fault-questions.js';
import { FollowedStreams } from './followed-streams.js';

/**
 * Has rounds of `faultQuestions` answered until a time is over, none from the prefix cache, and returns the texts of
 * each; throws when one fails.
 */
export async function serveOn(api: ApiClient, what: string, durationMs: number): Promise<string[][]> {
  const endMs = performance.now() + durationMs;
  const rounds: string[][] = [];
  while (performance.now() < endMs) {
    rounds.push(await new FollowedStreams(api, faultQuestions(`${what} ${rounds.length}`)).texts());
  }
  return rounds;
}
