import type { Claims } from "../../define/types.ts";
import type { SentFrame } from "../../platform/ports.ts";
import type { Position } from "../../protocol/packets.ts";

/** The identity of a connection's client. */
export interface ClientIdentity {
  readonly sessionId: string;
  readonly publicId: string;
  readonly auth: Claims | null;
  readonly state?: unknown;
  readonly isSpectator?: boolean;
  /** The protocol of the client. */
  readonly protocol: Protocol;
  /** The position of the client's previous connection. */
  readonly since?: Position | undefined;
  /** Whether the client applies patches in two steps: first deletions, and then the patch. */
  readonly clears?: boolean | undefined;
  /** The binary protocol data that the client knows. */
  readonly wire?: KnownWire | undefined;
}
export type Protocol = 1 | 2 | 3;

/** Stands for "no packet number". */
export const NONE = -1;

/**
 * joining → waiting for its first packet → open → closing → closed. With `autoSync: false`, a connection that waits for
 * its first packet already gets other packets: it is unsynced. A connection whose client does not confirm is stopped,
 * and open again later. A closing connection still sends held-back packets, but accepts no new ones.
 */
export type Phase = "joining" | "waiting" | "unsynced" | "open" | "stopped" | "closing" | "closed";

/** A patch in the form of each protocol. */
export interface PatchFrames {
  /** Its number, or 0 if it has none. */
  readonly seq: number;
  /** @param input the number of the last applied input of the client, if it should be told */
  for(protocol: Protocol, input?: number): SentFrame;
}

/** The binary protocol data that a client knows from its previous connection. */
export interface KnownWire {
  readonly tables: string;
  readonly run: string;
}

/** The value that is attached to a socket. It survives hibernation. */
export interface Attachment extends Omit<ClientIdentity, "protocol" | "since" | "wire" | "isSpectator"> {
  readonly id: string;
  readonly protocol?: Protocol;
  /** A spectator has no user. */
  readonly spectator?: boolean;
  /** Set until the first packet of an unsynced connection is sent. */
  readonly unsynced?: boolean;
  /** The socket was accepted before its join was done. */
  readonly joining?: boolean;
  /** The unconfirmed bytes when they were last stored. */
  readonly unconfirmed?: number;
  /** Set while nothing is sent to it, because it does not confirm. */
  readonly stopped?: boolean;
  /** Its user left. Shards read this too, and send it no packets for everyone. */
  readonly left?: boolean;
}

/** The attachment of a connection, without absent values. */
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
