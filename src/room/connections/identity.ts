import type { Claims } from "../../define/types.ts";
import type { SentFrame } from "../../platform/ports.ts";
import type { Position } from "../../protocol/packets.ts";

/** Whose connection it is. */
export interface ClientIdentity {
  readonly sessionId: string;
  readonly publicId: string;
  readonly auth: Claims | null;
  readonly state?: unknown;
  readonly isSpectator?: boolean;
  /** The protocol that its client speaks. */
  readonly protocol: Protocol;
  /** The last packet that the client got over its previous connection. */
  readonly since?: Position | undefined;
  /** Whether it takes packets in two steps: what is to be deleted, and then the patch. */
  readonly clears?: boolean | undefined;
  /** What it knows of the binary protocol. */
  readonly wire?: KnownWire | undefined;
}
export type Protocol = 1 | 2 | 3;

/** In place of a number of a packet. */
export const NONE = -1;

/**
 * joining → waiting for its first packet → open → closing → closed. In a room with `autoSync` off, a connection that
 * waits for its first packet already gets other packets: it is unsynced. One whose client does not confirm is stopped, and
 * later open again. A connection that is closing still sends what it holds, but takes nothing more.
 */
export type Phase = "joining" | "waiting" | "unsynced" | "open" | "stopped" | "closing" | "closed";

/** A patch as clients of each protocol get it. */
export interface PatchFrames {
  /** Its number; 0 if it has none. */
  readonly seq: number;
  /** @param input the last input of the client that was applied, if it is to be told */
  for(protocol: Protocol, input?: number): SentFrame;
}

/** What a client of protocol 3 knows from its previous connection. */
export interface KnownWire {
  readonly tables: string;
  readonly run: string;
}

/** The value that is attached to a socket, and survives hibernation. */
export interface Attachment extends Omit<ClientIdentity, "protocol" | "since" | "wire" | "isSpectator"> {
  readonly id: string;
  readonly protocol?: Protocol;
  /** It has no user: a spectator's. */
  readonly spectator?: boolean;
  /** Set while the first packet of an unsynced connection has not been sent. */
  readonly unsynced?: boolean;
  /** Was accepted before its join was done. */
  readonly joining?: boolean;
  /** The bytes that it was sent and had not confirmed, when that was stored last. */
  readonly unconfirmed?: number;
  /** Set while nothing is sent to it, since it does not confirm. */
  readonly stopped?: boolean;
  /** Its user is not here any more. A shard reads this too: nothing that is for all goes there. */
  readonly left?: boolean;
}

/** What is attached for a connection. What does not apply is left out. */
export function attachmentOf(
  { id, sessionId, publicId, auth, state, protocol, clears, isSpectator }: ClientIdentity & { readonly id: string },
  {
    unconfirmed,
    ...flags
  }: Readonly<Record<"unsynced" | "joining" | "left" | "stopped", boolean>> & { readonly unconfirmed: number },
): Attachment {
  return {
    id,
    sessionId,
    publicId,
    auth,
    ...(state !== undefined && { state }),
    ...(protocol !== 1 && { protocol }),
    ...(clears && { clears }),
    ...(isSpectator && { spectator: true }),
    ...Object.fromEntries(Object.entries(flags).filter(([, isSet]) => isSet)),
    ...(unconfirmed > 0 && { unconfirmed }),
  };
}
