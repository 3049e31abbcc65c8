import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** What a client may send, as a JSON schema. */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input' });
}
