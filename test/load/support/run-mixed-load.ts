import type { ApiClient } from '../../e2e/support/api-client.js';
import type { MixedRequest, Question } from './mixed-requests.js';
import { type Outcome, sendMixed } from './send-mixed.js';

export interface MixedLoadResult {
  readonly counts: Readonly<Record<Outcome['kind'], number>>;
  /** What else came of requests. */
  readonly failures: readonly string[];
  /** Questions that were answered more than once. */
  readonly numRepeated: number;
  /** Questions that had different answers, or of which a client that left saw what is in no answer. */
  readonly disagreements: readonly string[];
}

/** Others that end before a client that was refused comes again. */
const numEndsToWait = 10;

/** Sends all requests, each client the next one when its last has ended; one that was refused waits a while. */
export async function runMixedLoad(
  apis: readonly ApiClient[],
  requests: readonly MixedRequest[],
  numClients: number,
): Promise<MixedLoadResult> {
  const counts = { answered: 0, rejected: 0, cancelled: 0 };
  const failures: string[] = [];
  const book = new AnswerBook();
  const ends = new Ends();
  const queue = requests.values();

  const send = async (api: ApiClient, request: MixedRequest): Promise<void> => {
    ends.begin();
    try {
      const outcome = await sendMixed(api, request);
      counts[outcome.kind]++;
      book.note(request.question, outcome);
      if (outcome.kind === 'rejected') return ends.wait(numEndsToWait);
    } catch (error) {
      failures.push(`${error} to ${JSON.stringify(request)}`);
    }
    ends.end();
  };
  const work = async (_: unknown, index: number): Promise<void> => {
    for (const request of queue) await send(apis[index % apis.length]!, request);
  };
  await Promise.all(Array.from({ length: numClients }, work));
  return { counts, failures, ...book.compare() };
}

/** Lets some wait for others to end. */
class Ends {
  readonly #waiting = new Set<{ numEnds: number; readonly wake: () => void }>();
  #numRunning = 0;

  begin(): void {
    this.#numRunning++;
  }

  end(): void {
    this.#numRunning--;
    for (const each of this.#waiting) {
      if (--each.numEnds > 0 && this.#numRunning > 0) continue;
      this.#waiting.delete(each);
      each.wake();
    }
  }

  /** Ends, unnoticed, and resolves after so many others or when none is left. */
  async wait(numEnds: number): Promise<void> {
    if (--this.#numRunning === 0) return;
    await new Promise<void>((wake) => this.#waiting.add({ numEnds, wake }));
  }
}

/** All answers to each question. */
class AnswerBook {
  readonly #answers = new Map<string, string[]>();
  readonly #seen = new Map<string, string[]>();

  note(question: Question, outcome: Outcome): void {
    const key = JSON.stringify(question);
    if (outcome.kind === 'answered') add(this.#answers, key, JSON.stringify(outcome.answer));
    if (outcome.kind === 'cancelled') add(this.#seen, key, outcome.text);
  }

  compare(): Pick<MixedLoadResult, 'numRepeated' | 'disagreements'> {
    const disagreements: string[] = [];
    for (const [key, answers] of this.#answers) {
      const { text } = JSON.parse(answers[0]!);
      const strange = (this.#seen.get(key) ?? []).filter((seen) => !text.startsWith(seen));
      const different = new Set([...answers, ...strange]);
      if (different.size > 1) disagreements.push(`${key}: ${[...different].join(' / ')}`);
    }
    const numRepeated = [...this.#answers.values()].filter(({ length }) => length > 1).length;
    return { numRepeated, disagreements };
  }
}

function add(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key) ?? [];
  list.push(item);
  lists.set(key, list);
}
