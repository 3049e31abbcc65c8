import type { CellInspection } from '@tessera/domain';
import { connectScheduler, type RpcTls } from '@tessera/rpc';

/** What the scheduler at this address holds, and what its ranks say; ServingError when it does not lead or answer. */
export async function readScheduler(address: string, tls: RpcTls | undefined): Promise<CellInspection> {
  const scheduler = connectScheduler(address, { tls });
  try {
    return await scheduler.inspect();
  } finally {
    scheduler.close();
  }
}
