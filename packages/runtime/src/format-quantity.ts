export type ProgressUnit = 'bytes' | 'count';

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `1.25 GB` (powers of 1000), or `12,345`. */
export function formatQuantity(value: number, unit: ProgressUnit): string {
  if (unit === 'count') return Math.round(value).toLocaleString('en-US');
  const exponent = Math.min(byteUnits.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const scaled = value / 1000 ** exponent;
  const hasFraction = exponent > 0 && scaled < 999.5;
  return `${hasFraction ? scaled.toPrecision(3) : Math.round(scaled)} ${byteUnits[exponent]}`;
}

/** `250 MB/s`, or `3.2/s`. */
export function formatRate(perSecond: number, unit: ProgressUnit): string {
  if (unit === 'bytes') return `${formatQuantity(perSecond, unit)}/s`;
  return `${perSecond < 10 ? perSecond.toFixed(1) : formatQuantity(perSecond, unit)}/s`;
}

/** `8 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(durationMs: number): string {
  const numSeconds = Math.round(durationMs / 1000);
  if (numSeconds < 60) return `${numSeconds} s`;
  if (numSeconds < 3600) return `${Math.floor(numSeconds / 60)} min ${pad(numSeconds % 60)} s`;
  return `${Math.floor(numSeconds / 3600)} h ${pad(Math.floor((numSeconds % 3600) / 60))} min`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
