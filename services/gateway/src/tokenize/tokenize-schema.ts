import { z } from 'zod';
import { createMessagesSchema } from '../chat/message-schema.js';

/** Characters tokenised in one call. */
const maxPromptLen = 2 ** 20;

const flag = z.boolean().nullish();
const model = z.string().nullish();

/** Body of `POST /tokenize`: a text, or a conversation as the model will read it. */
export function createTokenizeSchema(maxVisualPixels: number) {
  return z
    .strictObject({
      model,
      prompt: z.string().max(maxPromptLen).nullish(),
      messages: createMessagesSchema(maxVisualPixels).nullish(),
      parse_special: flag.describe('Read special tokens in prompt as such; by default they are plain text.'),
      add_generation_prompt: flag.describe('For messages; true by default.'),
      add_vision_id: flag.describe('For messages; false by default.'),
      return_token_strs: flag.describe('Also return the text of each token.'),
    })
    .refine(({ prompt, messages }) => (prompt == null) !== (messages == null), {
      error: 'needs either prompt or messages',
    });
}

/** Body of `POST /detokenize`. */
export const detokenizeSchema = z.strictObject({
  model,
  tokens: z.array(z.int().min(0)).max(120_000),
  skip_special_tokens: flag,
});
