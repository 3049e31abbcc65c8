import { ServingError } from '@tessera/domain';
import { type DirectoryGroup, directoryPrefixOf, RedisPageDirectory } from '@tessera/kv';

/** All that the directory of a cell says; ServingError when it cannot be reached. */
export async function readDirectory(url: string, cell: string): Promise<DirectoryGroup[]> {
  const host = hostOf(url);
  const directory = new RedisPageDirectory({ url, prefix: directoryPrefixOf(cell) });
  try {
    const groupIds = await directory.groups();
    const groups = await Promise.all(groupIds.map((groupId) => directory.read(groupId)));
    return groups.filter((group) => group !== undefined);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new ServingError('not_ready', `${host}: the page directory cannot be read (${problem}).`, {}, { cause });
  } finally {
    await directory.close();
  }
}

/** Without the password. */
function hostOf(url: string): string {
  if (!/^rediss?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    throw new ServingError('invalid_option', '--redis: expected redis:// or rediss://.', { option: '--redis' });
  }
  return new URL(url).host;
}
