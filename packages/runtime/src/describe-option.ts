import type { z } from 'zod';
import type { ConfigSchema } from './load-config.js';

/** What the schema says of one option, looked up through `.default()`, `.optional()` and the like. */
export interface OptionDescription {
  /** zod's name of the innermost type: `string`, `number`, `boolean`, `array`, `enum`, … */
  readonly type: string;
  readonly isSecret: boolean;
}

export function describeOption(schema: ConfigSchema, option: string): OptionDescription {
  let field = schema.shape[option] as z.ZodType | undefined;
  let isSecret = false;
  for (;;) {
    isSecret ||= field?.meta()?.secret === true;
    const inner = (field?.def as { innerType?: z.ZodType } | undefined)?.innerType;
    if (inner === undefined) return { type: field?.def.type ?? 'unknown', isSecret };
    field = inner;
  }
}
