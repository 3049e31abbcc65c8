import type { MultipartFile } from '@fastify/multipart';
import { ServingError } from '@tessera/domain';
import type { FastifyRequest } from 'fastify';
import { validate } from '../http/validate.js';
import type { BlobStore, StoredBlob } from './blob-store.js';
import { type FilePurpose, uploadFieldsSchema } from './file-schema.js';

export interface Upload {
  readonly filename: string;
  readonly purpose: FilePurpose;
  readonly blob: StoredBlob;
}

/** Stores the one file of a multipart form; keeps nothing when the form is not right. */
export async function receiveUpload(request: FastifyRequest, blobs: BlobStore, maxBytes: number): Promise<Upload> {
  const fields: Record<string, unknown> = {};
  const stored: { filename: string; blob: StoredBlob }[] = [];
  try {
    for await (const part of request.parts({ limits: { fileSize: Number.POSITIVE_INFINITY, fields: 16, files: 2 } })) {
      if (part.type === 'field') fields[part.fieldname] = part.value;
      else stored.push({ filename: part.filename, blob: await storePart(part, blobs, maxBytes, stored.length) });
    }
    const file = stored[0];
    if (file === undefined) throw new ServingError('invalid_field', 'file: the form has no file', { field: 'file' });
    return { ...file, ...validate(uploadFieldsSchema, fields) };
  } catch (error) {
    await Promise.all(stored.map(({ blob }) => blobs.delete(blob.blobId)));
    throw error;
  }
}

async function storePart(part: MultipartFile, blobs: BlobStore, maxBytes: number, index: number): Promise<StoredBlob> {
  try {
    if (part.fieldname !== 'file') {
      throw new ServingError('unknown_field', `${part.fieldname} is not a known field`, { field: part.fieldname });
    }
    if (index > 0) throw new ServingError('invalid_field', 'file: one upload takes one file', { field: 'file' });
    return await blobs.put(part.file.iterator({ destroyOnReturn: false }), maxBytes);
  } catch (error) {
    await dropRest(part, maxBytes);
    throw error;
  }
}

/** Reads on for as much as one file may have: a socket closed on unread bytes is reset before the client sees the answer. */
async function dropRest(part: MultipartFile, maxBytes: number): Promise<void> {
  let numBytes = 0;
  for await (const chunk of part.file) {
    numBytes += chunk.length;
    if (numBytes > maxBytes) break;
  }
}
