import { describe, expect, it } from 'vitest';
import { cmykToRgb } from './cmyk-to-rgb.js';

describe('cmykToRgb', () => {
  const colours: [title: string, inks: number[], rgb: number[]][] = [
    ['no ink is white', [0, 0, 0, 0], [255, 255, 255]],
    ['full black covers all', [23, 0, 162, 255], [0, 0, 0]],
    ['magenta and yellow make red', [0, 255, 255, 0], [255, 0, 0]],
    ['products are rounded to the nearest', [196, 0, 255, 41], [50, 214, 0]],
  ];
  for (const [title, inks, rgb] of colours) {
    it(title, () => expect([...cmykToRgb(Uint8Array.from(inks))]).toEqual(rgb));
  }
});
