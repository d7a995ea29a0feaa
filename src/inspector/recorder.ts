import { bytesOf } from "../platform/client-limits.ts";
import type { Socket } from "../platform/ports.ts";
import { hideInJson } from "../platform/private.ts";
import type { IsPrivate } from "../platform/private.ts";
import type { RecentPacket } from "./types.ts";
import { textOfFrame } from "../protocol/binary/frame-text.ts";

/** What a client or the room sent in one frame. */
type Frame = string | ArrayBuffer | Uint8Array;

/** Packets that are kept, the characters of each, and how long after the last look at them, in ms. */
export const MOST_PACKETS = 50;
const LONGEST_TEXT = 400;
const PATIENCE = 10_000;
/** Longer than what is shown plus any private id in it, however it is escaped. */
const LOOKED_AT = 4000;

/** Who a socket belongs to, as it is attached to it. */
interface SocketOwner {
  readonly id: string;
  readonly publicId: string;
  readonly sessionId: string;
}

/** Keeps the latest packets of an object, for as long as somebody looks at them. */
export class Recorder {
  readonly #isPrivate: IsPrivate;
  readonly #packets: RecentPacket[] = [];
  #until = 0;

  /** @param isPrivate says whether a text is somebody's private id */
  constructor(isPrivate: IsPrivate) {
    this.#isPrivate = isPrivate;
  }

  /** Somebody looks. */
  read(now: number): readonly RecentPacket[] {
    this.#until = now + PATIENCE;
    return this.#packets;
  }

  /** @returns whether anybody still looks */
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
  // Clients send no binary frames that a room understands.
  if (frame instanceof ArrayBuffer) return "(binary)";
  const text = hideInJson(textOfFrame(frame).slice(0, LOOKED_AT), isPrivate);
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

/** A shard's socket has what the room attached as bytes of JSON. One that nobody let in yet is nobody's. */
function ownerOf(socket: Socket): SocketOwner {
  const attached = (socket.attachment() ?? {}) as Partial<SocketOwner> & { readonly room?: Uint8Array };
  const { room } = attached;
  const owner = room ? (JSON.parse(new TextDecoder().decode(room)) as Partial<SocketOwner>) : attached;
  return { id: owner.id ?? "", publicId: owner.publicId ?? "", sessionId: owner.sessionId ?? "" };
}
