/** Pillow's conversion without a profile: [n, 4] inks (255 is full) to [n, 3] RGB, c · k / 255 rounded in integers. */
export function cmykToRgb(inks: Uint8Array): Uint8Array {
  const out = new Uint8Array((inks.length / 4) * 3);
  for (let source = 0, target = 0; source < inks.length; source += 4, target += 3) {
    const paper = 255 - inks[source + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = inks[source + channel]! * paper + 128;
      out[target + channel] = paper - ((product + (product >> 8)) >> 8);
    }
  }
  return out;
}
