/** One view of the page. */
export interface View {
  readonly title: string;
  readonly element: HTMLElement;
  /** Updates the view. @throws ApiError */
  refresh(): Promise<void>;
  /** How often it updates, in ms. */
  readonly interval: number;
  close?(): void;
}

/** The URLs of views: the part after `#`, which never contains a token. */
export const links = {
  world: (id: string) => `#/world/${encodeURIComponent(id)}`,
  room: (party: string, id: string) => `#/room/${party}/${encodeURIComponent(id)}`,
  shard: (id: string) => `#/shard/${encodeURIComponent(id)}`,
};
