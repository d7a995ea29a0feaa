/** The object's own key-value storage, for what is not room state. Keys of the runtime's own are hidden. */
export interface RoomStorage {
  get<T = unknown>(key: string): T | undefined;
  put(key: string, value: unknown): void;
  delete(key: string): void;
}
