import { z } from 'zod';
import { createChatSchema } from '../chat/chat-schema.js';
import type { GatewayConfig } from '../config.js';
import { fileListQuerySchema, uploadFieldsSchema } from '../files/file-schema.js';
import { createTokenizeSchema, detokenizeSchema } from '../tokenize/tokenize-schema.js';
import { type JsonSchema, toJsonSchema } from './to-json-schema.js';

const errorSchema = toJsonSchema(
  z.object({
    error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
  }),
);

/** The API as an OpenAPI 3.1 document, made from the schemas that requests are validated with. */
export function createOpenapiDocument(config: GatewayConfig): JsonSchema {
  return {
    openapi: '3.1.0',
    info: { title: 'Tessera', version: '1', description: 'OpenAI-compatible API of a Qwen2.5-VL model.' },
    paths: {
      '/v1/chat/completions': {
        post: operation('Answer a conversation, whole or as server-sent events.', jsonBody(createChatSchema(config))),
      },
      '/v1/files': {
        get: operation('List uploaded files.', { parameters: queryParameters(fileListQuerySchema) }),
        post: operation('Upload a file.', uploadBody()),
      },
      '/v1/files/{file_id}': {
        get: operation('Show a file.', { parameters: [pathParameter('file_id')] }),
        delete: operation('Delete a file.', { parameters: [pathParameter('file_id')] }),
      },
      '/v1/files/{file_id}/content': { get: operation('Download a file.', { parameters: [pathParameter('file_id')] }) },
      '/v1/models': { get: operation('List the served model.') },
      '/v1/models/{model}': { get: operation('Show the served model.', { parameters: [pathParameter('model')] }) },
      '/tokenize': {
        post: operation('Token ids of a text or conversation.', jsonBody(createTokenizeSchema(config.maxVisualPixels))),
      },
      '/detokenize': { post: operation('Text of token ids.', jsonBody(detokenizeSchema)) },
      '/health/live': { get: operation('Whether the process answers.') },
      '/health/ready': { get: operation('Whether requests are answered.') },
      '/metrics': { get: operation("Metrics in Prometheus' text format.") },
    },
    components: { schemas: { Error: errorSchema } },
  };
}

function operation(summary: string, rest: JsonSchema = {}): JsonSchema {
  const failure = {
    description: 'Failure',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
  return { summary, ...rest, responses: { 200: { description: 'Success' }, default: failure } };
}

function jsonBody(schema: z.ZodType): JsonSchema {
  return { requestBody: { required: true, content: { 'application/json': { schema: toJsonSchema(schema) } } } };
}

function uploadBody(): JsonSchema {
  const fields = toJsonSchema(uploadFieldsSchema);
  const properties = { ...(fields.properties as JsonSchema), file: { type: 'string', format: 'binary' } };
  const schema = { ...fields, properties, required: ['file', 'purpose'] };
  return { requestBody: { required: true, content: { 'multipart/form-data': { schema } } } };
}

function pathParameter(name: string): JsonSchema {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function queryParameters(schema: z.ZodType): JsonSchema[] {
  const properties = toJsonSchema(schema).properties as Record<string, JsonSchema>;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: 'query',
    required: false,
    schema: property,
  }));
}
