/** One view of the page: what it shows, and what ends it. */
export interface View {
  readonly title: string;
  readonly element: HTMLElement;
  /** Looks again. @throws ApiError */
  refresh(): Promise<void>;
  /** How often it looks, in ms. */
  readonly interval: number;
  close?(): void;
}

/** Where a view is: part of the URL after `#`, which never has a token. */
export const links = {
  world: (id: string) => `#/world/${encodeURIComponent(id)}`,
  room: (party: string, id: string) => `#/room/${party}/${encodeURIComponent(id)}`,
  shard: (id: string) => `#/shard/${encodeURIComponent(id)}`,
};
