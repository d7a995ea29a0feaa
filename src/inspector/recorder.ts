import { bytesOf } from "../protocol/text-size.ts";
import type { Socket } from "../platform/ports.ts";
import { hideInJson } from "../platform/private.ts";
import type { IsPrivate } from "../platform/private.ts";
import type { RecentPacket } from "./types.ts";
import { textOfFrame } from "../protocol/binary/frame-text.ts";

/** The content of one frame. */
type Frame = string | ArrayBuffer | Uint8Array;

/**
 * The number of packets that are kept, their maximum length in characters, and how long they are kept after the last
 * request, in ms.
 */
export const MOST_PACKETS = 50;
const LONGEST_TEXT = 400;
const PATIENCE = 10_000;
/** Longer than the shown part plus any private id in it, however it is escaped. */
const LOOKED_AT = 4000;

/** The owner of a socket, as it is attached to it. */
interface SocketOwner {
  readonly id: string;
  readonly publicId: string;
  readonly sessionId: string;
}

/** Keeps the latest packets of an object while someone watches them. */
export class Recorder {
  readonly #isPrivate: IsPrivate;
  readonly #packets: RecentPacket[] = [];
  #until = 0;

  /** @param isPrivate whether a text is a private id */
  constructor(isPrivate: IsPrivate) {
    this.#isPrivate = isPrivate;
  }

  /** Someone watches. */
  read(now: number): readonly RecentPacket[] {
    this.#until = now + PATIENCE;
    return this.#packets;
  }

  /** @returns whether anyone still watches */
  note(direction: RecentPacket["direction"], frame: Frame, socket: Socket, at: number): boolean {
    if (at > this.#until) return false;
    const { id, publicId, sessionId } = ownerOf(socket);
    const isPrivate = (text: string) => text === sessionId || this.#isPrivate(text);
    this.#packets.push({
      at,
      direction,
      connection: id,
      publicId,
      bytes: bytesOf(frame),
      text: show(frame, isPrivate),
    });
    if (this.#packets.length > MOST_PACKETS) this.#packets.shift();
    return true;
  }
}

function show(frame: Frame, isPrivate: IsPrivate): string {
  // Rooms do not accept binary frames of clients.
  if (frame instanceof ArrayBuffer) return "(binary)";
  const text = hideInJson(textOfFrame(frame).slice(0, LOOKED_AT), isPrivate);
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

/** The socket of a shard has the room's attachment as bytes of JSON. A socket that has not joined has no owner. */
function ownerOf(socket: Socket): SocketOwner {
  const attached = (socket.attachment() ?? {}) as Partial<SocketOwner> & { readonly room?: Uint8Array };
  const { room } = attached;
  const owner = room ? (JSON.parse(new TextDecoder().decode(room)) as Partial<SocketOwner>) : attached;
  return { id: owner.id ?? "", publicId: owner.publicId ?? "", sessionId: owner.sessionId ?? "" };
}
