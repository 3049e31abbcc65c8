import { type EncoderFeed, ServingError } from '@tessera/domain';
import type { CellGroups } from '../cell-groups.js';
import type { VisualBoard } from './visual-board.js';

/** The encoders of a cell, as far as its groups can use what they make: listens to them for the board. */
export class EncoderFeeds {
  readonly #board: VisualBoard;
  readonly #groups: CellGroups;
  readonly #listening = new Map<EncoderFeed, AbortController>();

  constructor(board: VisualBoard, groups: CellGroups) {
    this.#board = board;
    this.#groups = groups;
  }

  /**
   * Listens to an encoder until the signal aborts, or it says that it is done. Throws when it is lost, and
   * `invalid_option` for one whose embeddings are not for the groups that are there, also when those come later.
   */
  async listen(feed: EncoderFeed, signal: AbortSignal): Promise<void> {
    const refusal = this.#refusalOf(feed);
    if (refusal) throw refusal;
    const end = new AbortController();
    this.#listening.set(feed, end);
    this.#board.addEncoder(feed);
    try {
      for await (const update of feed.updates(AbortSignal.any([signal, end.signal]))) {
        this.#board.update(feed.address, update);
      }
    } finally {
      this.#forget(feed);
    }
    end.signal.throwIfAborted();
  }

  /** Lets those go that are not for the groups that are there now. */
  dropUnfit(): void {
    for (const [feed, end] of this.#listening) {
      const refusal = this.#refusalOf(feed);
      if (!refusal) continue;
      this.#forget(feed);
      end.abort(refusal);
    }
  }

  #forget(feed: EncoderFeed): void {
    if (this.#listening.delete(feed)) this.#board.removeEncoder(feed.address);
  }

  /** All groups that are there take the same embeddings; without any, nobody knows which ones. */
  #refusalOf({ address, description }: EncoderFeed): ServingError | undefined {
    const [group] = this.#groups;
    if (!group) return undefined;
    const [made, taken] = [description, group.state.description].map(
      ({ modelRevision, hiddenSize }) => `${modelRevision}, rows of ${hiddenSize}`,
    );
    if (made === taken) return undefined;
    return new ServingError('invalid_option', `The encoder ${address} makes ${made}; the cell takes ${taken}.`);
  }
}
