import type { Brand } from './brand.js';

/** Id that the gateway gives a client's request; it survives every resubmission. */
export type RequestId = Brand<string, 'RequestId'>;

/** Id of the scheduler's unit of work: one choice of one attempt of a request. */
export type SequenceId = Brand<string, 'SequenceId'>;

/** Row that a running sequence holds in per-rank tensors, 0 … numLanes − 1. */
export type LaneId = Brand<number, 'LaneId'>;

/** A page of the paged KV pool: the same id on every rank of a group, 0 … numPages − 1. */
export type PageId = Brand<number, 'PageId'>;

/**
 * Key of one visual's embedding: digest of the media, its grid, the processing parameters, the model revision and the
 * tenant's salt, so that nothing but exactly this embedding is ever found under it.
 */
export type EmbeddingKey = Brand<string, 'EmbeddingKey'>;

/**
 * Digest of a full page's content and everything before it: 64 hexadecimal digits. Covers token ids, embedding keys,
 * positions, the model revision and the tenant's salt, so that a page found under it can be taken as it is.
 */
export type BlockHash = Brand<string, 'BlockHash'>;

export const requestId = (value: string): RequestId => value as RequestId;
export const sequenceId = (value: string): SequenceId => value as SequenceId;
export const laneId = (value: number): LaneId => value as LaneId;
export const pageId = (value: number): PageId => value as PageId;
export const blockHash = (value: string): BlockHash => value as BlockHash;
export const embeddingKey = (value: string): EmbeddingKey => value as EmbeddingKey;
