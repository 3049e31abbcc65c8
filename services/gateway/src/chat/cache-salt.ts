/** What keeps cached pages and embeddings of a tenant apart: the server's secret and the salt that the client asked for. */
export function cacheSaltOf(tenantSalt: string, asked: string | null | undefined): string {
  return JSON.stringify([tenantSalt, asked ?? null]);
}
