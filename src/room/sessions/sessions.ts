import { APART_PREFIX, SESSION_PREFIX } from "../storage/keys.ts";
import type { Settings } from "../../define/settings.ts";
import { RoomError } from "../../protocol/errors.ts";
import { URL_SAFE } from "../../protocol/letters.ts";
import { Row } from "../../state/rows.ts";
import type { Rows } from "../../state/rows.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { isPlain, jsonLength } from "../../protocol/values.ts";
import type { Answered, Session, SessionDetails } from "./session.ts";
import { belongsToOthers, firstKey, secondKey } from "./session-keys.ts";

export type { Answered, Session, SessionDetails } from "./session.ts";

/** The stored part of a session. Earlier versions stored its details in the same row. */
type StoredSession = Omit<Session, "id" | "clientId" | "isJoining" | "row" | "detailsRow" | "details"> &
  Partial<Pick<Session, "clientId">> &
  Pick<SessionDetails, "connState" | "answers">;

/** How long, and how many sessions are kept without a connection. */
type SessionSettings = Pick<Settings, "sessionExpiryTime" | "maxOfflineSessions">;

/** Letters and digits. */
const ALPHABET = URL_SAFE.slice(0, -2);
const PUBLIC_ID_LENGTH = 12;
const MAX_ID = 256;
/** The maximum number of idle sessions that are kept, since each user makes the first packets of all others larger. */
const MOST_STRANGERS = 1000;
/**
 * The maximum size of the details of all sessions, in characters. Beyond it, those of the sessions that have been
 * offline longest are removed.
 */
export const MAX_DETAILS = 8_000_000;
/** Sizes are stored as powers of two from here on, so that the row of a session is rarely written again. */
const LEAST_SIZE = 1024;
/** The overhead of a stored answer, in characters. */
const OVERHEAD = 16;
const DETAILS_PREFIX = `${APART_PREFIX}session:`;
const NONE: SessionDetails = {};

/** The sessions of a room, and when they expire. They are saved together with the state. */
export class Sessions implements RoomPart, Wakeable {
  readonly #rows: Rows;
  readonly #storage: Pick<Storage, "get">;
  readonly #clock: Clock;
  readonly #settings: SessionSettings;
  readonly #alarms: Alarms;
  readonly #failures: Failures;
  /** Called with each expired session. */
  onExpired: (session: Session) => void = () => {};
  /** Whether a client is joining with a session right now. It does not expire meanwhile. */
  isEntering: (session: Session) => boolean = () => false;
  readonly #byId = new Map<string, Session>();
  /** Sessions whose client id was already used by another subject. */
  readonly #second = new Set<Session>();
  /** Sessions without a connection, those that have been offline longest first. */
  readonly #offline = new Set<Session>();
  /** The idle ones, in the same order. They are removed first. */
  readonly #strangers = new Set<Session>();
  /** The maximum size of all details in characters. */
  #detailsSize = 0;

  constructor(
    rows: Rows,
    storage: Pick<Storage, "get">,
    clock: Clock,
    settings: SessionSettings,
    alarms: Alarms,
    failures: Failures,
  ) {
    this.#failures = failures;
    this.#rows = rows;
    this.#storage = storage;
    this.#clock = clock;
    this.#settings = settings;
    this.#alarms = alarms;
  }

  load(rows: OwnRows): void {
    const old = new Map<Session, SessionDetails>();
    for (const [id, row] of rows.of("session")) {
      const { publicId, sub, clientId = id, connState, answers, ...rest } = row as StoredSession;
      const session = Object.assign(this.#add(id, clientId, sub, publicId), rest);
      this.#detailsSize += session.detailsSize ?? 0;
      if (connState !== undefined || answers) old.set(session, { ...sized(connState), answers });
    }
    const offline = [...this.#byId.values()].filter(({ offlineSince }) => offlineSince !== undefined);
    offline.sort((a, b) => (a.offlineSince ?? 0) - (b.offlineSince ?? 0));
    for (const session of offline) this.#addOffline(session);
    for (const [session, details] of old) {
      this.setDetails(session, details);
      session.row.changed(true);
    }
  }

  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** @param id the id of a session, not of its client */
  find(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** The session of a client, by its private id and the `sub` of its token. */
  of(clientId: string, sub: string | undefined): Session | undefined {
    const first = this.#byId.get(firstKey(clientId));
    return first?.sub === sub ? first : this.#byId.get(secondKey(clientId, sub));
  }

  /** Whether a text is a private id. */
  isPrivate(text: string): boolean {
    return (
      this.#byId.has(firstKey(text)) || [...this.#second].some(({ id, clientId }) => [id, clientId].includes(text))
    );
  }

  /**
   * The session of a client, if there is one.
   * @throws RoomError `bad_message` for a malformed id; `forbidden` for an id that belongs to the subject of a token,
   * if the client has none
   */
  claim(clientId: string, sub: string | undefined): Session | undefined {
    if (clientId.length > MAX_ID)
      throw new RoomError("bad_message", `A session id may have up to ${MAX_ID} characters`);
    const session = this.of(clientId, sub);
    if (!session && sub === undefined && this.#byId.has(firstKey(clientId))) throw belongsToOthers();
    return session;
  }

  /** Makes a session, which is online at first. The client must not have one already. */
  create(clientId: string, sub: string | undefined, publicId = randomId()): Session {
    const first = firstKey(clientId);
    const id = this.#byId.has(first) ? secondKey(clientId, sub) : first;
    const session = this.#add(id, clientId, sub, publicId);
    session.row.changed(true);
    return session;
  }

  online(session: Session): void {
    if (session.offlineSince === undefined) return;
    session.offlineSince = undefined;
    this.#removeOffline(session);
    session.row.changed(true);
  }

  /** A client connected: a transfer of its user is done. */
  arrived(session: Session): void {
    this.online(session);
    if (session.expectedUntil === undefined) return;
    session.expectedUntil = undefined;
    session.row.changed(true);
  }

  /** The details of a session, read from storage if needed. */
  detailsOf(session: Session): SessionDetails {
    return (session.details ??= session.detailsSize === undefined ? NONE : this.#readDetails(session));
  }

  /** The answers to the recent messages of a session. Empty if there is no such session. */
  answersOf(id: string): readonly Answered[] {
    const session = this.#byId.get(id);
    return (session && this.detailsOf(session).answers) ?? [];
  }

  /** Unreadable details are dropped, and the session continues without them. */
  #readDetails({ id }: Session): SessionDetails {
    try {
      const details = this.#storage.get(DETAILS_PREFIX + id);
      return isPlain(details) ? details : NONE;
    } catch (error) {
      this.#failures.failed("details_failed", error);
      return NONE;
    }
  }

  /** Changes the details of a session. They are stored in one transaction with other changes. */
  setDetails(session: Session, details: SessionDetails): void {
    session.details = details;
    const size = sizeOf(details);
    if (size > (session.detailsSize ?? 0)) {
      this.#resize(session, Math.max(LEAST_SIZE, 2 ** Math.ceil(Math.log2(size))));
      if (this.#detailsSize > MAX_DETAILS) this.#dropDetails(session);
    }
    this.#detailsRow(session).changed(true);
  }

  /** The number of places reserved for transferred users who have not arrived. */
  expected(now: number): number {
    let count = 0;
    for (const { expectedUntil = 0, offlineSince } of this.#byId.values()) {
      if (expectedUntil > now && offlineSince !== undefined) count++;
    }
    return count;
  }

  /** Removes a session that has expired or moved elsewhere. */
  remove(session: Session): void {
    this.#byId.delete(session.id);
    this.#second.delete(session);
    this.#removeOffline(session);
    if (!session.isJoining) session.row.removed();
    if (session.detailsSize !== undefined) this.#detailsRow(session).removed();
    this.#detailsSize -= session.detailsSize ?? 0;
  }

  /** A join was refused: a new session is removed, and another one expires at its previous time. */
  refused(session: Session): void {
    if (session.isJoining) this.remove(session);
    else this.#alarms.arm(this);
  }

  offline(session: Session): void {
    session.offlineSince = this.#clock.now();
    session.row.changed(true);
    this.#removeOffline(session);
    this.#addOffline(session);
    const isFull = this.#offline.size > this.#settings.maxOfflineSessions;
    const first = this.#firstOf(this.#strangers) ?? this.#firstOf(this.#offline);
    if (first && (isFull || this.#strangers.size > MOST_STRANGERS)) this.#expire(first);
    this.#alarms.arm(this);
  }

  due(): number | undefined {
    const first = this.#firstOf(this.#offline);
    return first && this.#endOf(first);
  }

  run(now: number): void {
    for (const session of this.#offline) {
      if (this.#endOf(session) > now) return;
      if (!this.isEntering(session)) this.#expire(session);
    }
  }

  /** The session that expires first. */
  #firstOf(sessions: ReadonlySet<Session>): Session | undefined {
    for (const session of sessions) if (!this.isEntering(session)) return session;
    return undefined;
  }

  #addOffline(session: Session): void {
    this.#offline.add(session);
    if (isStranger(session)) this.#strangers.add(session);
  }

  #removeOffline(session: Session): void {
    this.#offline.delete(session);
    this.#strangers.delete(session);
  }

  #endOf({ offlineSince = 0 }: Session): number {
    return offlineSince + this.#settings.sessionExpiryTime;
  }

  #detailsRow(session: Session): Row {
    const read = (persisted: boolean) => (persisted ? session.details : undefined);
    return (session.detailsRow ??= new Row(this.#rows, DETAILS_PREFIX + session.id, read));
  }

  #resize(session: Session, size: number | undefined): void {
    this.#detailsSize += (size ?? 0) - (session.detailsSize ?? 0);
    session.detailsSize = size;
    session.row.changed(true);
  }

  /** Removes details of other sessions until a tenth is free, so that this does not happen each time. */
  #dropDetails(except: Session): void {
    for (const sessions of [this.#offline, this.#byId.values()]) {
      for (const session of sessions) {
        if (this.#detailsSize <= MAX_DETAILS * 0.9) return;
        if (session === except || session.detailsSize === undefined) continue;
        session.details = NONE;
        this.#detailsRow(session).removed();
        this.#resize(session, undefined);
      }
    }
  }

  #expire(session: Session): void {
    this.remove(session);
    this.onExpired(session);
  }

  #add(id: string, clientId: string, sub: string | undefined, publicId: string): Session {
    const read = (persisted: boolean) => (persisted && !session.isJoining ? stored(session) : undefined);
    const row = new Row(this.#rows, SESSION_PREFIX + id, read);
    const session: Session = {
      id,
      clientId,
      publicId,
      sub,
      offlineSince: undefined,
      transferId: undefined,
      from: undefined,
      expectedUntil: undefined,
      leaving: undefined,
      details: undefined,
      detailsSize: undefined,
      isIdle: undefined,
      input: undefined,
      isJoining: false,
      row,
      detailsRow: undefined,
    };
    this.#byId.set(id, session);
    if (id !== clientId) this.#second.add(session);
    return session;
  }
}

/** Whether an offline session is idle, and no other room has sent or expects its user. */
function isStranger({ isIdle, offlineSince, transferId, leaving }: Session): boolean {
  return isIdle === true && offlineSince !== undefined && transferId === undefined && leaving === undefined;
}

/** Without missing properties, so that most rows stay short. */
function stored(session: Session): object {
  const {
    id,
    clientId,
    row: _row,
    detailsRow: _detailsRow,
    details: _details,
    isJoining: _isJoining,
    ...rest
  } = session;
  const isIdle = isStranger(session) || undefined;
  const parts = { ...rest, isIdle, clientId: clientId === id ? undefined : clientId };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

/** The state of a connection, with its size. */
export function sized(connState: unknown): Pick<SessionDetails, "connState" | "stateSize"> {
  return connState === undefined ? {} : { connState, stateSize: jsonLength(connState) };
}

/** The maximum stored size of these details, in characters. */
function sizeOf({ stateSize = 0, answers = [] }: SessionDetails): number {
  return answers.reduce((size, [id, text]) => size + String(id).length + text.length + OVERHEAD, stateSize);
}

/** A random public id of 71 bits, with letters and digits only. */
export function randomId(): string {
  let id = "";
  while (id.length < PUBLIC_ID_LENGTH) {
    // Larger bytes are skipped, since they would make the first letters more likely.
    for (const byte of crypto.getRandomValues(new Uint8Array(PUBLIC_ID_LENGTH * 2))) {
      if (byte < 248 && id.length < PUBLIC_ID_LENGTH) id += ALPHABET[byte % ALPHABET.length];
    }
  }
  return id;
}
