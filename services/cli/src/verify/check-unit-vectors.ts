import type { GoldenFolder } from './golden-folder.js';
import type { VerifyReport } from './verify-report.js';

/** Rungs 1 to 3: the vectors of single functions under `unit/`. */
export async function checkUnitVectors(_folder: GoldenFolder, _report: VerifyReport): Promise<void> {}
