import { describePageDirectory } from '@tessera/testkit';
import { MemoryPageDirectory } from './memory-page-directory.js';

describePageDirectory('MemoryPageDirectory', async () => new MemoryPageDirectory());
