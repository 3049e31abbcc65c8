import { ServingError } from '@tessera/domain';
import { Command } from 'commander';
import { addBookFlags, type BookFlags, tlsOf, whereBooksAre } from '../pages/book-flags.js';
import { formatPages } from '../pages/format-pages.js';
import { bookOfDirectory, bookOfGroup, bookOfScheduler, type PageBook } from '../pages/page-book.js';
import { readDirectory } from '../pages/read-directory.js';
import { readScheduler } from '../pages/read-scheduler.js';

interface PagesFlags extends BookFlags {
  readonly group?: string;
  readonly json?: boolean;
}

/** `tessera pages`: what every page of the KV pools holds, by the scheduler or by the directory. */
export function pagesCommand(): Command {
  const command = new Command('pages').description(
    'Show what every page of the KV pools holds: as the scheduler has it, or as the directory in Redis says.',
  );
  return addBookFlags(command)
    .option('--group <id>', 'show one rank group only')
    .option('--json', 'print everything as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tessera pages --scheduler 127.0.0.1:46607
  tessera pages --redis redis://127.0.0.1:36277 --group group-0
${whereBooksAre}`,
    )
    .action(showPages);
}

async function showPages({ group, json, ...flags }: PagesFlags): Promise<void> {
  const book = await readBook(flags);
  const shown = group === undefined ? book : bookOfGroup(book, group);
  console.log(json ? JSON.stringify(shown, undefined, 2) : formatPages(shown));
}

async function readBook(flags: BookFlags): Promise<PageBook> {
  const { scheduler, redis, cell } = flags;
  if (scheduler !== undefined && redis === undefined) {
    return bookOfScheduler(await readScheduler(scheduler, tlsOf(flags)));
  }
  if (redis !== undefined && scheduler === undefined) return bookOfDirectory(await readDirectory(redis, cell));
  throw new ServingError('invalid_option', 'Either --scheduler or --redis says whose book is shown.');
}
