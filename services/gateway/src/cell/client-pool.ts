interface Closable {
  /** What runs over it may come to its end. */
  close(): void | Promise<void>;
}

interface Entry<Client> {
  readonly client: Client;
  readonly idleTimer: NodeJS.Timeout;
}

/** A client that nobody asked for in this time is closed. */
export const idleMs = 300_000;

/** One client an address, made when it is first asked for and closed when its address has left service or it is idle. */
export class ClientPool<Client extends Closable> {
  readonly #entries = new Map<string, Entry<Client>>();
  #inService: ReadonlySet<string> = new Set();

  constructor(private readonly connect: (address: string) => Client) {}

  /** To be used at once: what runs over it may last, but it takes no more when it was not asked for in `idleMs`. */
  get(address: string): Client {
    const known = this.#entries.get(address);
    if (known !== undefined) {
      known.idleTimer.refresh();
      return known.client;
    }
    const client = this.connect(address);
    const idleTimer = setTimeout(() => void this.#close(address), idleMs).unref();
    this.#entries.set(address, { client, idleTimer });
    return client;
  }

  /** Takes these as the addresses in service. One that is named elsewhere before it appears here keeps its client. */
  async serve(addresses: readonly string[]): Promise<void> {
    const next = new Set(addresses);
    const gone = [...this.#inService].filter((address) => !next.has(address));
    this.#inService = next;
    await Promise.all(gone.map((address) => this.#close(address)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((address) => this.#close(address)));
  }

  async #close(address: string): Promise<void> {
    const entry = this.#entries.get(address);
    if (entry === undefined) return;
    this.#entries.delete(address);
    clearTimeout(entry.idleTimer);
    await entry.client.close();
  }
}
