export { type AuditedBooks, auditPages } from './audit/audit-pages.js';
export { type DifferenceKind, differenceKinds, type PageDifference, type Severity } from './audit/page-difference.js';
export { directoryPrefixOf } from './directory/directory-prefix-of.js';
export { MemoryPageDirectory } from './directory/memory-page-directory.js';
export type { DirectoryGroup, PageBatch, PageDelta, PageDirectory } from './directory/page-directory.js';
export { type RedisDirectoryOptions, RedisPageDirectory } from './directory/redis-page-directory.js';
export {
  createWriteBehind,
  type GroupSnapshot,
  type WriteBehind,
  type WriteBehindOptions,
  type WriteBehindState,
} from './directory/write-behind.js';
export { type HashedPrompt, hashBlock } from './hashes/hash-block.js';
export { prefixHashesOf } from './hashes/prefix-hashes-of.js';
export { type HashSalt, rootHash } from './hashes/root-hash.js';
export { type AccountedPage, PageAccounting } from './pages/page-accounting.js';
