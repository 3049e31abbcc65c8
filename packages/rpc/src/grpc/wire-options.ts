import type { ChannelOptions, ServerOptions } from '@grpc/grpc-js';

const mebibyte = 1024 * 1024;

/** grpc-js refuses messages above 4 MiB; a prompt of a million tokens is 16 MiB, what ranks say of 100 000 pages 10. */
export const maxMessageBytes = 64 * mebibyte;

/** What the two ends of a connection agree on. */
const sharedOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  // A peer that is stopped, or whose machine is gone, closes nothing: after 15 s without an answer its calls fail.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
} as const;

export const serverOptions: ServerOptions = sharedOptions;

export const channelOptions: ChannelOptions = {
  ...sharedOptions,
  // HTTP/2's 64 KiB would stop a stream of 1 MiB parts sixteen times a part. Servers of grpc-js have no such option.
  'grpc-node.flow_control_window': 4 * mebibyte,
  // A restarted service is found within a tenth of a second, one that is away is asked every two.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // A restarted container comes back under the same name and another number.
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // Names hold addresses only; without this every name is looked up a second time for options.
  'grpc.service_config_disable_resolution': 1,
  // Addresses are inside the cluster, whatever HTTP_PROXY says.
  'grpc.enable_http_proxy': 0,
  // Who calls knows what may be asked again (Request.attempt); a copy of every message would be kept for it here.
  'grpc.enable_retries': 0,
  // A connection a client: what closes one, or makes it wait, does so to no other.
  'grpc.use_local_subchannel_pool': 1,
  // Books on every call that nobody reads. Servers must keep them: without, forceShutdown of grpc-js 1.14 finds no session.
  'grpc.enable_channelz': 0,
};

/** Time for a peer to take a call, by answering with its headers; those of this package send them at once. */
export const acceptDeadlineMs = 5_000;
