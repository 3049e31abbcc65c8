import { ServingError } from '@tessera/domain';
import { auditPages } from '@tessera/kv';
import { Command } from 'commander';
import { addBookFlags, type BookFlags, tlsOf, whereBooksAre } from '../pages/book-flags.js';
import { formatAudit } from '../pages/format-audit.js';
import { readDirectory } from '../pages/read-directory.js';
import { readScheduler } from '../pages/read-scheduler.js';

interface AuditFlags extends BookFlags {
  readonly atRest?: boolean;
  readonly json?: boolean;
}

/** `tessera audit`: every difference between those who keep books on pages; exit code 1 when one is wrong. */
export function auditCommand(): Command {
  const command = new Command('audit').description(
    'Compare what the scheduler, the seals of every rank and the directory in Redis say of the pages, and name every difference.',
  );
  return addBookFlags(command)
    .option('--at-rest', 'nothing runs: what is only late counts as wrong too')
    .option('--json', 'print the differences as JSON')
    .addHelpText(
      'after',
      `
Example:
  tessera audit --scheduler 127.0.0.1:46607 --redis redis://127.0.0.1:36277
${whereBooksAre}`,
    )
    .action(audit);
}

async function audit({ atRest, json, ...flags }: AuditFlags): Promise<void> {
  const { scheduler, redis, cell } = flags;
  if (scheduler === undefined || redis === undefined) {
    throw new ServingError('invalid_option', '--scheduler and --redis are both needed: their books are compared.');
  }
  const inspection = await readScheduler(scheduler, tlsOf(flags));
  const differences = auditPages({ inspection, directory: await readDirectory(redis, cell) });
  console.log(json ? JSON.stringify(differences, undefined, 2) : formatAudit(inspection, differences));
  const isUnsound = differences.some(({ severity }) => severity === 'wrong' || (atRest && severity === 'lag'));
  if (isUnsound) process.exitCode = 1;
}
