import { readFileSync } from 'node:fs';
import { createProcessor, type Processor } from '@tessera/qwen2-5-vl';

const checkpoint = new URL('../../../../models/tessera-tiny/', import.meta.url);

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, checkpoint), 'utf8'));

/** The bundled checkpoint's processor: pictures of at most 36 tokens, a context of 4096. */
export const tinyProcessor: Processor = createProcessor({
  config: read('config.json'),
  tokenizer: read('tokenizer.json'),
  tokenizerConfig: read('tokenizer_config.json'),
  chatTemplate: read('chat_template.json'),
  generationConfig: read('generation_config.json'),
  preprocessorConfig: read('preprocessor_config.json'),
});
