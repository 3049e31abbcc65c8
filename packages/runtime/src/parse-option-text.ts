import { describeOption } from './describe-option.js';
import type { ConfigSchema } from './load-config.js';

const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/**
 * The value that a text stands for, by the option's type: numbers, `true|false|1|0`, lists with commas. What cannot be
 * read stays a text, so that the schema refuses it and the message shows what was given.
 */
export function parseOptionText(schema: ConfigSchema, option: string, text: string): unknown {
  const { type } = describeOption(schema, option);
  if (type === 'number') return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  if (type === 'boolean') return booleans[text.toLowerCase()] ?? text;
  if (type === 'array') return text.split(',').map((item) => item.trim());
  return text;
}
