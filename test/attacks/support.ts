import type { MemoryRoom, MemorySocket } from "../support/memory.ts";

/** The answer to a message: `result` if its action ran, or `code` and `message` if it was refused. */
export interface Answer {
  readonly result?: unknown;
  readonly code?: string;
  readonly message?: string;
  readonly issues?: readonly { readonly path: readonly unknown[]; readonly message: string }[];
  /** The whole frame, as text. */
  readonly text: string;
}

let ids = 0;

/** Sends an action as a client would, and waits for its answer. */
export async function call(
  room: MemoryRoom<never>,
  socket: MemorySocket,
  action: string,
  value?: unknown,
): Promise<Answer> {
  const id = `call-${ids++}`;
  await room.core.message(socket, JSON.stringify({ action, value, id }));
  for (const text of socket.texts.toReversed()) {
    const { value: answer } = JSON.parse(text) as { value?: Record<string, unknown> };
    if (answer?.["id"] === id) return { ...answer, text };
  }
  const end = socket.isOpen
    ? ""
    : `: its connection ended, ${JSON.stringify(socket.closedWith ?? "since its client broke")}`;
  throw new Error(`"${action}" was not answered${end}`);
}

/** The bytes of all rows that a room stores, or of those whose keys begin with `prefix`. */
export function storedBytes(room: MemoryRoom<never>, prefix = ""): number {
  let bytes = 0;
  for (const [key, value] of room.storage.rows) {
    if (key.startsWith(prefix)) bytes += key.length + JSON.stringify(value).length;
  }
  return bytes;
}

/** The keys of the rows that contain a text. */
export function rowsWith(room: MemoryRoom<never>, text: string): string[] {
  return [...room.storage.rows].flatMap(([key, value]) => (JSON.stringify(value).includes(text) ? [key] : []));
}

/** The bytes of all values that a room reads from storage when it starts after a crash. */
export function bytesReadAtStart(room: MemoryRoom<never>): number {
  let bytes = 0;
  const { storage } = room;
  const before = storage.onRead;
  storage.onRead = (value) => (bytes += JSON.stringify(value ?? null).length);
  room.crash();
  storage.onRead = before;
  return bytes;
}

/** A little less than half of an object's memory of 128 MB, because the state needs memory too. */
export const ROOM_BUDGET = 50_000_000;
