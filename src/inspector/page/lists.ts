import type { LoggedError } from "../../platform/metrics.ts";
import type { RecentPacket, RoomInspection, SessionView } from "../types.ts";
import { bytes, count, duration, time } from "./format.ts";
import { createList, make, write } from "./dom.ts";
import type { Row } from "./table.ts";
import { links } from "./view.ts";

/** Sessions as rows. */
export function sessionRows({ sessions, metrics: { at } }: RoomInspection): Row[] {
  return (sessions?.first ?? []).map((session) => ({
    key: session.publicId,
    cells: [session.publicId, stateOf(session, at), count(session.connections)],
  }));
}

function stateOf({ offlineSince, leavingTo, expectedUntil = 0 }: SessionView, now: number): string {
  if (leavingTo !== undefined) return `on the way to ${leavingTo}`;
  if (offlineSince === undefined) return "online";
  return expectedUntil > now ? "expected, by a transfer" : `offline for ${duration(now - offlineSince)}`;
}

export function connectionRows({ connections }: RoomInspection): Row[] {
  return (connections?.first ?? []).map(({ id, publicId, isRemote, protocol }) => ({
    key: id,
    cells: [id, publicId, isRemote ? "at a shard" : "here", String(protocol)],
  }));
}

export function sightRows({ sights }: RoomInspection): Row[] {
  return (sights?.first ?? []).map(({ connection, publicId, collection, looks, sees: { first, total } }) => ({
    key: `${connection} ${collection}`,
    cells: [publicId, collection, looks, `${count(total)}: ${first.join(", ")}${total > first.length ? ", …" : ""}`],
  }));
}

export function scheduleRows({ schedules, metrics: { at: now } }: RoomInspection): Row[] {
  return (schedules?.first ?? []).map(({ name, at, payload }) => ({
    key: name,
    cells: [
      name,
      at > now ? `in ${duration(at - now)}` : "due",
      payload.text ?? `${payload.kind} of ${payload.children?.length ?? 0}`,
    ],
  }));
}

export function shardRows(shards: RoomInspection["metrics"]["shards"] = []): Row[] {
  return shards.map(({ id, connections }) => ({
    key: id,
    cells: [{ text: id, href: links.shard(id) }, count(connections)],
  }));
}

/** The latest first. */
export function errorRows(errors: readonly LoggedError[]): Row[] {
  return errors.toReversed().map(({ at, event, action = "", code = "", error = "" }, index) => ({
    key: `${errors.length - index} ${at}`,
    cells: [time(at), event, action, code, error],
  }));
}

/** A list of packets, the latest first. */
export function createPackets(): { element: HTMLElement; draw(packets: readonly RecentPacket[]): void } {
  const list = make("ol", { class: "packets" });
  const empty = make("p", { class: "note" }, "Nothing since somebody looks.");
  const draw = createList<RecentPacket>(list, { create: createPacket, update: () => {} });
  return {
    element: make("div", {}, list, empty),
    draw(packets) {
      empty.hidden = packets.length > 0;
      list.hidden = packets.length === 0;
      draw(keyed(packets));
    },
  };
}

/** Packets of one moment differ by what they are; equal ones are counted. */
function keyed(packets: readonly RecentPacket[]): [string, RecentPacket][] {
  const seen = new Map<string, number>();
  const rows = packets.map((packet): [string, RecentPacket] => {
    const key = [packet.at, packet.direction, packet.connection, packet.bytes, packet.text].join(" ");
    seen.set(key, (seen.get(key) ?? 0) + 1);
    return [`${key} ${seen.get(key)}`, packet];
  });
  return rows.toReversed();
}

function createPacket({ at, direction, connection, publicId, bytes: size, text }: RecentPacket): HTMLElement {
  const arrow = make("span", { class: "arrow", title: direction === "in" ? "from the client" : "to the client" });
  write(arrow, direction === "in" ? "→ in" : "← out");
  const who = make("span", { class: "who", title: `connection ${connection}` }, publicId || connection.slice(0, 8));
  return make(
    "li",
    { "data-direction": direction },
    make("time", {}, time(at)),
    arrow,
    who,
    make("span", { class: "bytes" }, bytes(size)),
    make("code", {}, text),
  );
}
