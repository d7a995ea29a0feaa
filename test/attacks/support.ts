import type { MemoryRoom, MemorySocket } from "../support/memory.ts";

/** What a message was answered: `result` of an action that ran, `code` and `message` of a refusal. */
export interface Answer {
  readonly result?: unknown;
  readonly code?: string;
  readonly message?: string;
  readonly issues?: readonly { readonly path: readonly unknown[]; readonly message: string }[];
  /** The frame itself. */
  readonly text: string;
}

let ids = 0;

/** Sends an action as a client would, and waits until it is answered. */
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

/** The bytes of all rows that a room stores, or of those whose keys begin so. */
export function storedBytes(room: MemoryRoom<never>, prefix = ""): number {
  let bytes = 0;
  for (const [key, value] of room.storage.rows) {
    if (key.startsWith(prefix)) bytes += key.length + JSON.stringify(value).length;
  }
  return bytes;
}

/** Rows that hold a text, by their keys. */
export function rowsWith(room: MemoryRoom<never>, text: string): string[] {
  return [...room.storage.rows].flatMap(([key, value]) => (JSON.stringify(value).includes(text) ? [key] : []));
}

/** The bytes of all values that a room reads from its storage while it starts anew after a crash. */
export function bytesReadAtStart(room: MemoryRoom<never>): number {
  let bytes = 0;
  const { storage } = room;
  const before = storage.onRead;
  storage.onRead = (value) => (bytes += JSON.stringify(value ?? null).length);
  room.crash();
  storage.onRead = before;
  return bytes;
}

/** A little less than half of the 128 MB of an object, which its state needs too. */
export const ROOM_BUDGET = 50_000_000;
