import { createProcessor, type Processor } from '@tessera/qwen2-5-vl';
import { Checkpoint, type MetadataFile } from './checkpoint.js';

/** The processor (configuration, tokenizer, template, resize rules) of a checkpoint folder. */
export async function loadProcessor(checkpointDir: string): Promise<Processor> {
  const checkpoint = await Checkpoint.open(checkpointDir);
  try {
    return await processorOf(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

async function processorOf(checkpoint: Checkpoint): Promise<Processor> {
  const json = (name: MetadataFile): Promise<unknown> => checkpoint.readMetadataJson(name);
  const jinja = await checkpoint.readMetadata('chat_template.jinja');
  return createProcessor({
    config: await json('config.json'),
    tokenizer: await json('tokenizer.json'),
    tokenizerConfig: await json('tokenizer_config.json'),
    chatTemplate: await json('chat_template.json'),
    chatTemplateJinja: jinja?.toString('utf8'),
    generationConfig: await json('generation_config.json'),
    preprocessorConfig: await json('preprocessor_config.json'),
    tensorShapes: checkpoint.shapes,
  });
}
