import type { GoldenFolder } from '../golden-folder.js';
import type { VerifyReport } from '../verify-report.js';
import { checkChatTemplate } from './check-chat-template.js';
import { checkResample } from './check-resample.js';
import { checkRopeIndex } from './check-rope-index.js';
import { checkSmartResize } from './check-smart-resize.js';
import { checkTokenizers } from './check-tokenizers.js';
import { checkVideoSampling } from './check-video-sampling.js';
import { checkWindowIndex } from './check-window-index.js';

/** Each compares the vectors of one file under `unit/`, and nothing when there is no such file. */
const checks = {
  '1 tokenizer': checkTokenizers,
  '1 chat_template': checkChatTemplate,
  '2 smart_resize': checkSmartResize,
  '2 resample': checkResample,
  '2 video_sampling': checkVideoSampling,
  '3 window_index': checkWindowIndex,
  '3 rope_index': checkRopeIndex,
} as const;

/** Rungs 1 to 3: the vectors of single functions under `unit/`. */
export async function checkUnitVectors(folder: GoldenFolder, report: VerifyReport): Promise<void> {
  for (const [rung, check] of Object.entries(checks)) {
    await report.attempt(rung, 'unit', () => check(folder, report, rung));
  }
}
