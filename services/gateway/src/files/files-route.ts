import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from '../config.js';
import { validate } from '../http/validate.js';
import type { BlobStore } from './blob-store.js';
import type { FileRegistry } from './file-registry.js';
import { fileListQuerySchema, toFileObject } from './file-schema.js';
import { receiveUpload } from './receive-upload.js';

type WithFileId = { Params: { fileId: string } };

/** `/v1/files`: upload, list, show, download, delete. */
export function registerFilesRoute(
  app: FastifyInstance,
  files: FileRegistry,
  blobs: BlobStore,
  config: GatewayConfig,
): void {
  app.post('/v1/files', async (request) => {
    const upload = await receiveUpload(request, blobs, config.maxFileBytes);
    return toFileObject(files.add({ ...upload, createdUnixSeconds: Math.floor(Date.now() / 1000) }));
  });

  app.get('/v1/files', async (request) => listFiles(files, request.query));

  app.get<WithFileId>('/v1/files/:fileId', async ({ params }) => toFileObject(files.get(params.fileId)));

  app.get<WithFileId>('/v1/files/:fileId/content', async ({ params }, reply) => {
    const bytes = await files.read(params.fileId);
    return reply.type('application/octet-stream').header('x-content-type-options', 'nosniff').send(bytes);
  });

  app.delete<WithFileId>('/v1/files/:fileId', async ({ params }) => {
    await files.delete(params.fileId);
    return { id: params.fileId, object: 'file', deleted: true };
  });
}

function listFiles(files: FileRegistry, query: unknown) {
  const { purpose, limit, order, after } = validate(fileListQuerySchema, query);
  const ordered = order === 'asc' ? files.list() : files.list().reverse();
  const wanted = ordered.filter((file) => purpose === undefined || file.purpose === purpose);
  const start = after === undefined ? 0 : wanted.indexOf(files.get(after, 'after')) + 1;
  const page = wanted.slice(start, start + limit);
  return {
    object: 'list',
    data: page.map(toFileObject),
    first_id: page[0]?.fileId ?? null,
    last_id: page.at(-1)?.fileId ?? null,
    has_more: wanted.length > start + limit,
  };
}
