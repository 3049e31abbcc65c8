import type { Grid } from '@tessera/domain';
import type { VisionConfig } from '../config/model-config.js';
import { type RotaryTables, rotaryFrequencies } from '../rotary-frequencies.js';

const theta = 10_000;

/**
 * Rotary tables [numPatches, headDim / 2] of the tower, patches in processor (block) order: the first half of a row
 * turns by the patch's row, the second by its column; time has no part in it (spec §5.2).
 */
export function visionRotaryAngles(grids: readonly Grid[], config: VisionConfig): RotaryTables {
  const halfHead = config.headDim / 2;
  const longest = grids.reduce((longest, grid) => Math.max(longest, grid.h, grid.w), 0);
  const byCoordinate = tablesByCoordinate(longest, rotaryFrequencies(theta, halfHead));
  const numPatches = grids.reduce((sum, grid) => sum + grid.t * grid.h * grid.w, 0);
  const cos = new Float32Array(numPatches * halfHead);
  const sin = new Float32Array(numPatches * halfHead);
  const quarter = halfHead / 2;
  let offset = 0;
  for (const coordinate of blockOrderCoordinates(grids, config.spatialMergeSize)) {
    const from = coordinate * quarter;
    cos.set(byCoordinate.cos.subarray(from, from + quarter), offset);
    sin.set(byCoordinate.sin.subarray(from, from + quarter), offset);
    offset += quarter;
  }
  return { cos, sin };
}

function tablesByCoordinate(numCoordinates: number, frequencies: Float32Array): RotaryTables {
  const cos = new Float32Array(numCoordinates * frequencies.length);
  const sin = new Float32Array(numCoordinates * frequencies.length);
  for (let coordinate = 0, i = 0; coordinate < numCoordinates; coordinate++) {
    for (const frequency of frequencies) {
      const angle = Math.fround(coordinate * frequency);
      cos[i] = Math.cos(angle);
      sin[i++] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Row, column, row, column, … of every patch in processor order. */
function* blockOrderCoordinates(grids: readonly Grid[], merge: number): Generator<number> {
  for (const grid of grids) {
    for (let t = 0; t < grid.t; t++) {
      for (let blockRow = 0; blockRow < grid.h; blockRow += merge) {
        for (let blockColumn = 0; blockColumn < grid.w; blockColumn += merge) {
          for (let patch = 0; patch < merge * merge; patch++) {
            yield blockRow + Math.floor(patch / merge);
            yield blockColumn + (patch % merge);
          }
        }
      }
    }
  }
}
