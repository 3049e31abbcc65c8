import { type DecoderDescription, laneId } from '@tessera/domain';
import { createStepPlan } from '../factories/create-step-plan.js';
import { FakeDecoderEngine } from './fake-decoder-engine.js';

/** The fake decoder as the engine of one rank of a group whose other ranks always come. */
export class FakeRankEngine extends FakeDecoderEngine {
  readonly meshAddress = 'mesh';
  readonly failed: Promise<Error>;
  /** `open`, `end` and their sessions, in order. */
  readonly sessions: string[] = [];
  failure: Error | undefined;
  #reportFailure: (failure: Error) => void = () => {};

  constructor(given: Partial<DecoderDescription> = {}) {
    super(given);
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve;
    });
  }

  async open({ session }: { readonly session: string }): Promise<void> {
    this.sessions.push(`open ${session}`);
    for (const key of this.stagedKeys) await this.unstage(key);
    await this.step(
      createStepPlan({ released: Array.from({ length: this.description.numLanes }, (_, i) => laneId(i)) }),
    );
  }

  async endSession(): Promise<void> {
    this.sessions.push('end');
  }

  /** As when its thread exits. */
  fail(failure: Error): void {
    this.failure = failure;
    this.#reportFailure(failure);
    this.die();
  }
}
