import { describe, expect, it } from 'vitest';
import { formatRunner, parsePlan } from './unpack-servers.mjs';

describe('parsePlan', () => {
  it('finds what apt would install, and nothing else', () => {
    const output = `The following NEW packages will be installed:
  libjemalloc2 redis-server
Inst libjemalloc2 (5.3.0-1 Debian:12.11/stable [amd64])
Inst redis-server (5:7.0.15-1~deb12u5 Debian-Security:12/stable-security [amd64])
Conf libjemalloc2 (5.3.0-1 Debian:12.11/stable [amd64])
Conf redis-server (5:7.0.15-1~deb12u5 Debian-Security:12/stable-security [amd64])`;
    expect(parsePlan(output)).toEqual(['libjemalloc2', 'redis-server']);
  });

  it('finds nothing when all is installed', () => expect(parsePlan('redis-server is already the newest.')).toEqual([]));
});

describe('formatRunner', () => {
  it('becomes the program, with the unpacked libraries before those of the machine', () => {
    expect(formatRunner('/a b/redis-server', ['/a b/usr/lib/x86_64-linux-gnu', '/a b/lib/x86_64-linux-gnu'])).toBe(
      `#!/bin/sh\nexec env LD_LIBRARY_PATH='/a b/usr/lib/x86_64-linux-gnu:/a b/lib/x86_64-linux-gnu' '/a b/redis-server' "$@"\n`,
    );
  });
});
