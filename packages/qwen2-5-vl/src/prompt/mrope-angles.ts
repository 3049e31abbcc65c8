import type { MropePositions } from '@tessera/domain';
import type { TextConfig } from '../config/model-config.js';
import { type RotaryTables, rotaryFrequencies } from '../rotary-frequencies.js';

/**
 * The decoder's rotary tables [numTokens, headDim / 2]: the first frequencies follow the temporal id, the next the
 * height id, the last the width id (contiguous sections, spec §6.3).
 */
export function mropeAngles(
  positions: Pick<MropePositions, 'temporal' | 'height' | 'width'>,
  config: Pick<TextConfig, 'headDim' | 'ropeTheta' | 'mropeSections'>,
): RotaryTables {
  const numTokens = positions.temporal.length;
  const halfHead = config.headDim / 2;
  const frequencies = rotaryFrequencies(config.ropeTheta, config.headDim);
  const cos = new Float32Array(numTokens * halfHead);
  const sin = new Float32Array(numTokens * halfHead);
  const axes = [positions.temporal, positions.height, positions.width];
  let sectionStart = 0;
  for (const [axis, ids] of axes.entries()) {
    const sectionEnd = sectionStart + config.mropeSections[axis]!;
    for (let token = 0; token < numTokens; token++) {
      for (let j = sectionStart; j < sectionEnd; j++) {
        const angle = Math.fround(ids[token]! * frequencies[j]!);
        cos[token * halfHead + j] = Math.cos(angle);
        sin[token * halfHead + j] = Math.sin(angle);
      }
    }
    sectionStart = sectionEnd;
  }
  return { cos, sin };
}
