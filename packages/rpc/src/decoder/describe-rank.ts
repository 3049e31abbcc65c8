import { DecoderService } from '@tessera/proto/decoder/v1';
import { RpcClient } from '../grpc/rpc-client.js';
import type { RpcTls } from '../grpc/rpc-tls.js';
import type { RankStatus } from './rank-host.js';
import { rankStatusFromProto } from './rank-status.js';

export interface DescribeRankOptions {
  readonly tls?: RpcTls | undefined;
  /** Time in which it must answer. Default 5 000. */
  readonly deadlineMs?: number;
}

/** Who a rank is, whom it obeys and what its pages hold. Rejects with `worker_failed` when it does not answer. */
export async function describeRank(address: string, options: DescribeRankOptions = {}): Promise<RankStatus> {
  const { tls, deadlineMs = 5_000 } = options;
  const client = new RpcClient({ address, lostReason: 'worker_failed' }, tls);
  try {
    return rankStatusFromProto(await client.unary(DecoderService.method.describe, {}, { deadlineMs }));
  } finally {
    client.close();
  }
}
