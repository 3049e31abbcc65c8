import { z } from 'zod';

/** Options of every process of a cluster. */
export const processOptions = {
  cell: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .default('default')
    .describe('Name of the cell: the processes that serve one model together.'),
  name: z.string().min(1).optional().describe("Name of this process in its log. Default: the service's."),
};

/** Options of the processes that have no HTTP server of their own. */
export const statusOptions = {
  statusListen: z
    .string()
    .min(1)
    .default('127.0.0.1:0')
    .describe('Address of /health/live, /health/ready and /metrics, host:port; port 0 takes any.'),
};
