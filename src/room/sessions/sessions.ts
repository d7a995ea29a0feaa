import { SESSION_PREFIX } from "../storage/keys.ts";
import type { Settings } from "../../define/settings.ts";
import type { Claims } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";
import { Row } from "../../state/rows.ts";
import type { Rows } from "../../state/rows.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import type { Clock } from "../../platform/ports.ts";

/** What is remembered of a client under its private id. */
export interface Session {
  readonly id: string;
  readonly publicId: string;
  /** The `sub` claim that it was made with: nobody else may resume it. */
  readonly sub: string | undefined;
  /** When its last connection closed, in ms since 1970; undefined while it is online. */
  offlineSince: number | undefined;
  /** The transfer that brought it here: the same one does not do so twice. */
  transferId: string | undefined;
  /** Until when a place is kept for it, after a transfer. */
  expectedUntil: number | undefined;
  /** The state that its first connection here starts with. */
  connState: unknown;
  /** On the way to another room: it is here until that has it. */
  leaving: { readonly to: string; readonly transferId: string } | undefined;
  /** What its recent messages were answered, by their ids. */
  answers: readonly (readonly [id: string | number, text: string])[] | undefined;
  readonly row: Row;
}

/** What is stored of a session. */
type StoredSession = Omit<Session, "id" | "row">;

/** How long, and how many sessions are kept without a connection. */
type SessionSettings = Pick<Settings, "sessionExpiryTime" | "maxOfflineSessions">;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PUBLIC_ID_LENGTH = 12;
const MAX_ID = 256;

/** The sessions of a room: who is known here, and until when. They are saved together with the state. */
export class Sessions implements RoomPart, Wakeable {
  readonly #rows: Rows;
  readonly #clock: Clock;
  readonly #settings: SessionSettings;
  readonly #alarms: Alarms;
  /** Told of each session that ran out. */
  onExpired: (session: Session) => void = () => {};
  readonly #byId = new Map<string, Session>();
  /** Those without a connection: who has been gone for longest is the first. */
  readonly #offline = new Set<Session>();

  constructor(rows: Rows, clock: Clock, settings: SessionSettings, alarms: Alarms) {
    this.#rows = rows;
    this.#clock = clock;
    this.#settings = settings;
    this.#alarms = alarms;
  }

  load(rows: OwnRows): void {
    for (const [id, row] of rows.of("session")) {
      const { publicId, sub, ...rest } = row as StoredSession;
      Object.assign(this.#add(id, sub, publicId), rest);
    }
    const offline = [...this.#byId.values()].filter(({ offlineSince }) => offlineSince !== undefined);
    offline.sort((a, b) => (a.offlineSince ?? 0) - (b.offlineSince ?? 0));
    for (const session of offline) this.#offline.add(session);
  }

  all(): Iterable<Session> {
    return this.#byId.values();
  }

  find(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /**
   * The session of a private id, if this client may resume it.
   * @throws RoomError `bad_message` for a malformed id, `forbidden` for one that belongs to another subject
   */
  claim(id: string, sub: string | undefined): Session | undefined {
    if (id.length > MAX_ID) throw new RoomError("bad_message", `A session id has ${MAX_ID} characters at most`);
    const session = this.#byId.get(id);
    if (session && session.sub !== sub) throw new RoomError("forbidden", "This session belongs to somebody else");
    return session;
  }

  /** Makes a session, online from the start. */
  create(id: string, sub: string | undefined, publicId = randomId()): Session {
    const session = this.#add(id, sub, publicId);
    session.row.changed(true);
    return session;
  }

  online(session: Session): void {
    if (session.offlineSince === undefined) return;
    session.offlineSince = undefined;
    this.#offline.delete(session);
    session.row.changed(true);
  }

  /** A client came: a transfer that brought its user here has done so. */
  arrived(session: Session): void {
    this.online(session);
    if (session.expectedUntil === undefined) return;
    session.expectedUntil = undefined;
    session.row.changed(true);
  }

  /** This public id if nobody has it, else a new one. */
  freePublicId(wanted: string): string {
    for (const { publicId } of this.#byId.values()) if (publicId === wanted) return randomId();
    return wanted;
  }

  /** How many places are kept for users who were transferred here and have not arrived. */
  expected(now: number): number {
    let count = 0;
    for (const { expectedUntil = 0, offlineSince } of this.#byId.values()) {
      if (expectedUntil > now && offlineSince !== undefined) count++;
    }
    return count;
  }

  /** Forgets a session: it ran out, or went elsewhere. */
  remove(session: Session): void {
    this.#byId.delete(session.id);
    this.#offline.delete(session);
    session.row.removed();
  }

  offline(session: Session): void {
    session.offlineSince = this.#clock.now();
    session.row.changed(true);
    this.#offline.delete(session);
    this.#offline.add(session);
    const [first] = this.#offline;
    if (first && this.#offline.size > this.#settings.maxOfflineSessions) this.#expire(first);
    this.#alarms.arm(this);
  }

  due(): number | undefined {
    const [first] = this.#offline;
    return first && this.#endOf(first);
  }

  run(now: number): void {
    for (const session of this.#offline) {
      if (this.#endOf(session) > now) return;
      this.#expire(session);
    }
  }

  #endOf({ offlineSince = 0 }: Session): number {
    return offlineSince + this.#settings.sessionExpiryTime;
  }

  #expire(session: Session): void {
    this.remove(session);
    this.onExpired(session);
  }

  #add(id: string, sub: string | undefined, publicId: string): Session {
    const row = new Row(this.#rows, SESSION_PREFIX + id, (persisted) => (persisted ? stored(session) : undefined));
    const session: Session = {
      id,
      publicId,
      sub,
      offlineSince: undefined,
      transferId: undefined,
      expectedUntil: undefined,
      connState: undefined,
      leaving: undefined,
      answers: undefined,
      row,
    };
    this.#byId.set(id, session);
    return session;
  }
}

/** Without what is not there, so that most rows stay short. */
function stored({ id: _id, row: _row, ...rest }: Session): object {
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}

/** A public id from a cryptographic source: 71 bits, letters and digits only. */
function randomId(): string {
  let id = "";
  while (id.length < PUBLIC_ID_LENGTH) {
    // Bytes beyond the last whole multiple of the alphabet would favour its first letters.
    for (const byte of crypto.getRandomValues(new Uint8Array(PUBLIC_ID_LENGTH * 2))) {
      if (byte < 248 && id.length < PUBLIC_ID_LENGTH) id += ALPHABET[byte % ALPHABET.length];
    }
  }
  return id;
}

/** Whose token it is, if the token says so. */
export function subjectOf(auth: Claims | null): string | undefined {
  return typeof auth?.["sub"] === "string" ? auth["sub"] : undefined;
}
