import sharp from 'sharp';

/** Loaders of the formats that are accepted; the rest of libvips' (SVG, PDF, its own formats, …) never sees a byte. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((format) => `VipsForeignLoad${format}Buffer`);

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: loaders });
// One picture at a time in a process of its own: threads and caches of decoded data would only hold memory.
sharp.concurrency(1);
sharp.cache(false);

export { sharp };
