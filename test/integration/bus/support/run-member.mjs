// A member of a cell as a process of its own: `run-member.mjs <nats url> <cell> <member as JSON>`.
import { createNatsBus } from '@tessera/bus';

const [url, cell, member] = process.argv.slice(2);
const bus = await createNatsBus({ servers: [url], cell, memberTtlMs: 600 });
await bus.announce(JSON.parse(member));
console.log('announced');
