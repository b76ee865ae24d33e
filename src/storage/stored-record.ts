/** One sort of record that a layer keeps. `docs/storage-schema.md` is made from the tables of these. */
export interface StoredRecord {
  /**
   * The whole key as people read it, with `‹…›` for what differs: the partition, then the path. `‹namespace›` is the
   * partition of one principal.
   */
  readonly key: string;
  /** What it holds before sealing: an example, or in words. */
  readonly holds: string;
  readonly lives: string;
}
