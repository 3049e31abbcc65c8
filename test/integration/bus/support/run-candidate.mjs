// A candidate as a process of its own: `run-candidate.mjs <nats url> <cell> <lease> <candidate> <ttl in ms>`.
// Prints `leading <time>` every few milliseconds while it believes to lead, on the clock that all processes share.
import { createNatsBus } from '@tessera/bus';

const [url, cell, name, candidate, ttlMs] = process.argv.slice(2);
const bus = await createNatsBus({ servers: [url], cell, memberTtlMs: 600 });
const { signal } = new AbortController();
const candidacy = bus.campaign({ name, candidate, ttlMs: Number(ttlMs), signal });
setInterval(() => {
  if (candidacy.state === 'leading') console.log(`leading ${process.hrtime.bigint()}`);
}, 2);
