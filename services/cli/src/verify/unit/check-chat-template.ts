import { loadProcessor } from '@tessera/onnx-graph';
import { createChatTemplate, type Processor, type PromptMessage, type TemplateMessage } from '@tessera/qwen2-5-vl';
import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';

interface TemplateVector {
  readonly messages: readonly TemplateMessage[];
  readonly add_generation_prompt: boolean;
  readonly add_vision_id: boolean;
  readonly rendered: string;
}

/** Conversations rendered with the default template and with each checkpoint's own. */
export async function checkChatTemplate(folder: GoldenFolder, report: VerifyReport, rung: string): Promise<void> {
  const vectors = await folder.readJson<{ cases: readonly TemplateVector[] }>('unit', 'chat_template.json');
  if (!vectors) return;
  const published = createChatTemplate(undefined);
  compareRendered(vectors.cases, 'default template', report, rung, ({ messages, ...options }) =>
    published.render(messages, optionsOf(options)),
  );
  for (const checkpoint of await folder.storedCheckpoints()) {
    await report.attempt(rung, checkpoint, async () => {
      const processor = await loadProcessor(folder.path('checkpoints', checkpoint));
      compareRendered(vectors.cases, checkpoint, report, rung, ({ messages, ...options }) => {
        const prompt = messages.map((message) => toPromptMessage(message, processor));
        return processor.buildPrompt(prompt, optionsOf(options)).text;
      });
    });
  }
}

function compareRendered(
  vectors: readonly TemplateVector[],
  template: string,
  report: VerifyReport,
  rung: string,
  render: (vector: TemplateVector) => string,
): void {
  for (const [i, vector] of vectors.entries()) {
    report.equal(rung, `${template}, conversation ${i}`, render(vector), vector.rendered);
  }
}

function optionsOf(vector: Pick<TemplateVector, 'add_generation_prompt' | 'add_vision_id'>): {
  addGenerationPrompt: boolean;
  addVisionId: boolean;
} {
  return { addGenerationPrompt: vector.add_generation_prompt, addVisionId: vector.add_vision_id };
}

/** Sizes of the media do not show in the rendered text, and the vectors' files do not exist. */
const anySize = { height: 56, width: 56 };

function toPromptMessage({ role, content }: TemplateMessage, processor: Processor): PromptMessage {
  if (typeof content === 'string') return { role, content };
  const parts = content.map(({ type, text }) => {
    if (type === 'text') return { type, text: String(text) } as const;
    if (type === 'video') {
      return { type, visual: processor.measureVideo({ numFrames: 2, size: anySize, fps: 2 }) } as const;
    }
    return { type: 'image', visual: processor.measureImage(anySize) } as const;
  });
  return { role, content: parts };
}
