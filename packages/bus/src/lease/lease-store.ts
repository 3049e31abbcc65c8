/** Who holds a lease. */
export interface LeaseHolder {
  readonly candidate: string;
  /** Unique to one campaign: the same candidate may run again in another process. */
  readonly token: string;
}

/**
 * One lease where all candidates see it. What is held lapses when it was not written for the time of the lease. Every
 * method rejects when the store does not answer; what it was asked may have happened all the same.
 */
export interface LeaseStore {
  /** Takes a lease that nobody holds. Its revision; undefined when somebody holds it. */
  create(holder: LeaseHolder): Promise<number | undefined>;
  /** Renews it. The new revision; undefined when the lease is not of this revision any more. */
  renew(holder: LeaseHolder, revision: number): Promise<number | undefined>;
  read(): Promise<{ readonly holder: LeaseHolder; readonly revision: number } | undefined>;
  /** Frees a lease of this revision; does nothing to any other. */
  free(revision: number): Promise<void>;
}
