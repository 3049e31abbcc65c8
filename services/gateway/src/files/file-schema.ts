import { z } from 'zod';
import type { UploadedFile } from './file-registry.js';

export const filePurposeSchema = z.enum(['assistants', 'batch', 'evals', 'fine-tune', 'user_data', 'vision']);
export type FilePurpose = z.output<typeof filePurposeSchema>;

/** Text fields of an upload, beside its `file`. */
export const uploadFieldsSchema = z.strictObject({
  purpose: filePurposeSchema.describe('What the file is for; pictures for chat take any purpose.'),
});

/** Query of the list of files. */
export const fileListQuerySchema = z.strictObject({
  purpose: filePurposeSchema.optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional().describe('Id of the last file of the previous page.'),
});

/** A file as OpenAI's API shows it. */
export function toFileObject(file: UploadedFile) {
  return {
    id: file.fileId,
    object: 'file' as const,
    bytes: file.blob.numBytes,
    created_at: file.createdUnixSeconds,
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed' as const,
  };
}
