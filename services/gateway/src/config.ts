import { tmpdir } from 'node:os';
import { z } from 'zod';

const mebibyte = 2 ** 20;
const count = z.int().positive();

/** The gateway's options; unknown keys and bad values fail at boot. */
export const gatewayConfigSchema = z.strictObject({
  maxBodyBytes: count.default(64 * mebibyte).describe('Largest JSON body accepted, in bytes.'),
  maxJsonDepth: count.default(200).describe('Deepest nesting of arrays and objects in a JSON body.'),
  maxJsonValues: count.default(2 ** 17).describe('Most items and members of a JSON body together.'),
  maxImages: count.default(32).describe('Most images in one request.'),
  maxImageBytes: count.default(64 * mebibyte).describe('Largest image as sent, in bytes.'),
  maxImagePixels: count.default(100_000_000).describe('Largest width × height of one image as sent.'),
  maxRequestPixels: count.default(400_000_000).describe('Largest sum of width × height over the images of a request.'),
  maxVisualPixels: count.default(16_384 * 784).describe('Largest max_pixels that a request may ask for.'),
  defaultMaxTokens: count.default(4096).describe('Longest answer to a request without max_tokens.'),
  maxStopStrings: count.default(4).describe('Most stop strings in one request.'),
  maxFileBytes: count.default(512 * mebibyte).describe('Largest uploaded file, in bytes.'),
  maxFilesBytes: count.default(2048 * mebibyte).describe('Bytes of all uploaded files and spooled media together.'),
  maxInMemoryBytes: count.default(8 * mebibyte).describe('Files and media above this size are kept on disk.'),
  filesDir: z
    .string()
    .min(1)
    .default(tmpdir())
    .describe('Directory under which files are kept until the server stops.'),
  prefixCache: z
    .boolean()
    .default(true)
    .describe('Find the pages of prompts that were computed before, and keep those of new ones.'),
  waitForCellMs: z
    .int()
    .min(0)
    .default(5000)
    .describe('Time a new request waits for the cell to serve, before it is refused with 503.'),
  resumeMs: z
    .int()
    .min(0)
    .default(60_000)
    .describe('Time in which a running request that lost its scheduler or decoder is tried again.'),
  bodyTimeoutMs: count.default(120_000).describe('Time for a client to send its whole request.'),
  graceMs: z.int().min(0).default(30_000).describe('Time running answers get to finish when the server stops.'),
  generationConfig: z
    .enum(['checkpoint', 'none'])
    .default('checkpoint')
    .describe("Where sampling defaults come from: the checkpoint's generation_config.json, or neutral values."),
  tenantSalt: z
    .string()
    .default('')
    .describe('Secret mixed into the keys of cached pages and embeddings.')
    .meta({ secret: true }),
});

export type GatewayConfig = Readonly<z.output<typeof gatewayConfigSchema>>;
export type GatewayOptions = Readonly<z.input<typeof gatewayConfigSchema>>;

/** The gateway's own options among those of the process it runs in. */
export function gatewayOptionsOf(config: GatewayConfig): GatewayOptions {
  const names = Object.keys(gatewayConfigSchema.shape) as (keyof GatewayConfig)[];
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}
