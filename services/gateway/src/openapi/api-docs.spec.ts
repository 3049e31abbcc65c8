import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { createChatSchema } from '../chat/chat-schema.js';
import { createMessagesSchema } from '../chat/message-schema.js';
import { gatewayConfigSchema } from '../config.js';
import { fileListQuerySchema, uploadFieldsSchema } from '../files/file-schema.js';
import { createTokenizeSchema, detokenizeSchema } from '../tokenize/tokenize-schema.js';
import { toJsonSchema } from './to-json-schema.js';

const docs = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
/** The words in backticks: prose that happens to use a field's word does not document it. */
const namedInCode = new Set((docs.match(/`[^`\n]+`/g) ?? []).flatMap((code) => code.match(/\w+/g) ?? []));
const config = gatewayConfigSchema.parse({});
const { maxVisualPixels } = config;

/** Names of all fields of an object's schema, and of the objects in it. */
function fieldsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    const names = key === 'properties' ? Object.keys(value) : [];
    return [...names, ...fieldsOf(value)];
  });
}

describe('docs/api.md names every field of', () => {
  const schemas: Record<string, z.ZodType> = {
    'a chat request': createChatSchema(config),
    messages: createMessagesSchema(maxVisualPixels),
    'an upload': uploadFieldsSchema,
    'a list of files': fileListQuerySchema,
    '/tokenize': createTokenizeSchema(maxVisualPixels),
    '/detokenize': detokenizeSchema,
  };
  for (const [title, schema] of Object.entries(schemas)) {
    it(title, () => {
      const missing = fieldsOf(toJsonSchema(schema)).filter((field) => !namedInCode.has(field));
      expect([...new Set(missing)]).toEqual([]);
    });
  }
});
