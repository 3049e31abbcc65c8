import { z } from 'zod';

/** Options of a process that speaks TLS inside the cluster; given together or not at all (`refineTlsOptions`). */
export const tlsOptionsShape = {
  tlsCa: z
    .string()
    .min(1)
    .optional()
    .describe('Certificates that the other processes of the cluster are checked against.'),
  tlsCert: z.string().min(1).optional().describe('Certificate of this process. Default: no TLS inside the cluster.'),
  tlsKey: z.string().min(1).optional().describe('Key of the certificate.'),
};

export type TlsOptions = Readonly<z.output<z.ZodObject<typeof tlsOptionsShape>>>;

const names = ['tlsCa', 'tlsCert', 'tlsKey'] as const;

/** Refuses a config that has some of the options and not all. */
export function refineTlsOptions(config: TlsOptions, context: z.core.$RefinementCtx<unknown>): void {
  const missing = names.find((name) => config[name] === undefined);
  if (missing === undefined || names.every((name) => config[name] === undefined)) return;
  context.addIssue({ code: 'custom', path: [missing], message: 'is needed with the other --tls options' });
}

/** The files that the options name; undefined without TLS. */
export function tlsFilesOf({ tlsCa, tlsCert, tlsKey }: TlsOptions): TlsFiles | undefined {
  if (tlsCa === undefined || tlsCert === undefined || tlsKey === undefined) return undefined;
  return { caFile: tlsCa, certFile: tlsCert, keyFile: tlsKey };
}

/** PEM files. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}
