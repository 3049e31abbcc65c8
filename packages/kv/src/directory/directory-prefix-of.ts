/** Beginning of all keys of a cell's page directory, by the cell's name. */
export function directoryPrefixOf(cell: string): string {
  return `tessera:${cell}`;
}
