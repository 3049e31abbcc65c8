import { DecoderService } from '@tessera/proto/decoder/v1';
import type { RpcServer } from '../grpc/rpc-server.js';
import { LeaderCall } from './leader-call.js';
import type { RankHost } from './rank-host.js';
import { rankStatusToProto } from './rank-status.js';

/** Lets schedulers lead this rank and ask who it is. */
export function serveDecoderRank(server: RpcServer, host: RankHost): void {
  const onError = (error: unknown): void => server.report(error, `${DecoderService.typeName}/Step`);
  server.addService(DecoderService, {
    step: (stream, signal) => new LeaderCall({ host, stream, onError }, signal).serve(),
    describe: async () => rankStatusToProto(host.status),
  });
}
