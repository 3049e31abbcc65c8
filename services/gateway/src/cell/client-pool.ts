interface Closable {
  close(): void | Promise<void>;
}

/** One client an address, made when it is first asked for and closed when its address has left service. */
export class ClientPool<Client extends Closable> {
  readonly #clients = new Map<string, Client>();
  #inService: ReadonlySet<string> = new Set();

  constructor(private readonly connect: (address: string) => Client) {}

  get(address: string): Client {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const client = this.connect(address);
    this.#clients.set(address, client);
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
    await Promise.all([...this.#clients.keys()].map((address) => this.#close(address)));
  }

  async #close(address: string): Promise<void> {
    const client = this.#clients.get(address);
    this.#clients.delete(address);
    await client?.close();
  }
}
