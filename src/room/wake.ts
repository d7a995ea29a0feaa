import { SPREAD } from "../platform/flow-control.ts";
import type { Build } from "../protocol/build.ts";
import { RoomConnection } from "./connections/connection.ts";
import type { Attachment } from "./connections/identity.ts";
import type { RoomSocket } from "./connections/remote-group.ts";
import type { StoredLife } from "./sync/change-clock.ts";
import { DevelopmentWatch } from "./development.ts";
import type { RoomParts } from "./room-parts.ts";
import { closeAll, readRoom } from "./storage/read-room.ts";
import type { StoredRoom } from "./storage/read-room.ts";
import { restoreRoom } from "./storage/restore.ts";
import type { Restored } from "./storage/restore.ts";
import type { OwnRows } from "./timing/room-part.ts";

/**
 * The minimum time that a room waits for its clients after a crash, in ms. Clients of `@signe/sync` reconnect after 5
 * s.
 */
const RETURN_TIME = 10_000;

/**
 * Wakes a room: reads the stored data, restores the state, recovers open connections, asks its shards for their
 * clients, and resumes.
 * @returns a promise that resolves when the room handles events, or undefined if there is nothing to wait for
 * @throws the error of a restore hook. The room then cannot run, and its data stays unchanged. If the hook rejects, the
 * promise rejects with the same error.
 */
export function wake(parts: RoomParts): Promise<unknown> | undefined {
  const { tree, turns, quarantine, reporter, compiled, ports, shardLinks } = parts;
  tree.onError = (error) => reporter.failed("state_failed", error);
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") {
    const watch = new DevelopmentWatch(tree, compiled, reporter);
    turns.watch = () => watch.look();
  }
  tree.onUnreadable = (names, value, error) => quarantine.take(names, value, error);

  const sources = { storage: parts.storage.atStart, sockets: () => ports.sockets(), rowChecks: parts.rowChecks };
  const stored = readRoom(compiled, tree, sources, quarantine, reporter);
  shardLinks.load(stored.own);
  // Connections whose user left do not know later changes.
  const isAwake = stored.sockets.some((socket) => !hasLeft(socket)) || shardLinks.didSleep;
  const restored = restoreRoom(stored, isAwake, parts);
  if (!(restored instanceof Promise)) return recover(parts, stored, isAwake, restored);
  let learning: Promise<unknown> | undefined;
  parts.restoring = restored.then((done) => {
    parts.restoring = undefined;
    learning = recover(parts, stored, isAwake, done);
  });
  return parts.restoring.then(() => learning);
}

/** Resumes the rest of the room after the state. @returns a promise if there is something to wait for */
function recover(
  parts: RoomParts,
  stored: StoredRoom,
  isAwake: boolean,
  { isNew, volatileKeys }: Restored,
): Promise<unknown> | undefined {
  const { quarantine, reporter, shardLinks, broadcast } = parts;
  parts.isNew = isNew;
  parts.persistence.takeOver(volatileKeys, isAwake, stored.noteVersion);
  // If a value is in quarantine, its field has its initial value, which clients do not have.
  let didSleep = isAwake && quarantine.isEmpty;
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") didSleep &&= hasSameFields(parts, stored.own);
  const sent = loadParts(parts, stored.own, didSleep);
  parts.persistence.open();
  recoverConnections(parts, isAwake && !didSleep ? closeAll(stored.sockets) : stored.sockets, sent);
  broadcast.open();
  quarantine.open();
  reporter.open();

  if (shardLinks.size === 0) return resume(parts, didSleep);
  broadcast.pause();
  return shardLinks.learn().then(() => resume(parts, didSleep));
}

/** Whether clients that stayed can read what this code sends. A deploy closes their sockets, but an edit in development does not. */
function hasSameFields({ tree }: RoomParts, own: OwnRows): boolean {
  const life = own.of("sync")[0]?.[1] as StoredLife | undefined;
  return !life || life.shape === tree.shape;
}

function hasLeft(socket: RoomSocket): boolean {
  return (socket.attachment() as Partial<Attachment> | null)?.left === true;
}

/** Loads the parts that have stored rows. @returns the state that clients were sent, if changes were pending */
function loadParts(parts: RoomParts, own: OwnRows, didSleep: boolean): Record<string, unknown> | undefined {
  const has = (...kinds: readonly string[]) => kinds.some((kind) => own.of(kind).length > 0);
  parts.sessions.load(own);
  if (has("schedule", "keyed")) parts.schedules.load(own);
  const isLeaving = [...parts.sessions.all()].some(({ leaving }) => leaving);
  if (isLeaving || has("token", "moved", "departed")) parts.transfers.load(own);
  parts.ticker?.load(own);
  if (has("listing")) parts.listing.load(own);
  const { onCreate } = parts.compiled.definition;
  if (onCreate || parts.compiled.settings.expireAfter !== Infinity || has("ending")) parts.lifecycle.load(own);
  const { onStorageRestore, onUserStorageRestore } = parts.compiled.definition;
  const isExact = parts.quarantine.isEmpty && !onStorageRestore && !onUserStorageRestore;
  parts.changeClock.load(own, didSleep, isExact);
  return parts.broadcast.load(own);
}

function recoverConnections(
  parts: RoomParts,
  sockets: readonly RoomSocket[],
  sent: Record<string, unknown> | undefined,
): void {
  for (const socket of sockets) recoverConnection(parts, socket);
  parts.presence.assumeOnline();
  const hasClients = sockets.length > 0 || parts.shardLinks.size > 0;
  // Reconnecting clients know the stored state. From now on, every difference from it is a change.
  if (hasClients || parts.changeClock.isUsed) parts.broadcast.assumeSent(hasClients ? sent : undefined);
}

/**
 * Restores a client that was connected before the crash or hibernation. @param isOpen whether it got its first packet
 */
export function recoverConnection(parts: RoomParts, socket: RoomSocket, isOpen = true): void {
  const { connections, sessions, presence, views } = parts;
  const conn = RoomConnection.recover(socket, parts.connectionHooks, isOpen);
  if (!conn) return;
  conn.seq = parts.changeClock.seq;
  connections.add(socket, conn);
  views.recall(conn);
  if (conn.isSpectator) return;
  const session = sessions.find(conn.sessionId);
  const isHere = !conn.hasLeft && session?.publicId === conn.publicId && presence.found(session);
  if (!isHere) parts.leavers.take(conn);
}

/** The clients are known again. @returns a promise if there is something to wait for */
function resume(parts: RoomParts, didSleep: boolean): Promise<unknown> | undefined {
  const { broadcast, shardLinks, tree } = parts;
  broadcast.resume();
  parts.ticker?.open();
  shardLinks.resume(didSleep);
  broadcast.schedule();
  // Sockets stay open while a room hibernates: one that is missing was closed by its client.
  if (didSleep) parts.presence.dropMissing();
  else awaitReturns(parts);
  if (!tree.rows.isClean) parts.persistence.schedule();
  parts.connections.changed();
  parts.alarms.armAll();
  const { madeLifecycle } = parts;
  if (madeLifecycle) return madeLifecycle.begin();
  return parts.compiled.definition.onStart && parts.hooks.start();
}

/** Users without a socket may reconnect. Those who do not are then shown as offline. */
function awaitReturns({ presence, clock }: RoomParts): void {
  const { length } = presence.missing;
  if (length > 0)
    presence.onAllReturned = clock.after(RETURN_TIME + length * SPREAD, () => presence.dropMissing(), "join");
}
