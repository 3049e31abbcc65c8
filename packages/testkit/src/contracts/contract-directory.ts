import type { PageId, PageRecord } from '@tessera/domain';

export type ContractDelta = PageRecord | { readonly pageId: PageId; readonly state: 'free' };

export interface ContractBatch {
  readonly epoch: number;
  readonly batchId: number;
  readonly groupId: string;
  readonly stepId: number | undefined;
  readonly isWhole: boolean;
  readonly deltas: readonly ContractDelta[];
}

/** The part of the page directory's interface that its contract suite uses. */
export interface ContractDirectory {
  epoch(): Promise<number>;
  open(epoch: number): Promise<void>;
  write(batch: ContractBatch): Promise<'written' | 'repeated' | 'lost'>;
  read(groupId: string): Promise<
    | {
        readonly groupId: string;
        readonly epoch: number;
        readonly stepId: number | undefined;
        readonly pages: readonly PageRecord[];
      }
    | undefined
  >;
  groups(): Promise<string[]>;
  clear(epoch: number, groupId: string): Promise<void>;
  close(): Promise<void>;
}
