import type { ShardInfo } from "../../world/state.ts";
import type { WorldInspection } from "../types.ts";
import { ask, pathOf } from "./api.ts";
import { confirm } from "./confirm.ts";
import { button, card, make, write } from "./dom.ts";
import { ago, count } from "./format.ts";
import { Table } from "./table.ts";
import type { Row } from "./table.ts";
import { links } from "./view.ts";
import type { View } from "./view.ts";

const EVERY = 1500;
const KNOWS =
  "What the World knows: rooms that have shards, or list themselves. Open others by their name: Cloudflare does not tell which objects there are.";
const DRAIN =
  "It gets no new clients, and goes when all who are there have left. Until then it can be made active again.";

/** A World: its rooms and shards. */
export function worldView(id: string, say: (text: string) => void): View {
  let latest = new Map<string, ShardInfo>();
  const path = pathOf("world", id);
  const turn = async (shardId: string) => {
    const shard = latest.get(shardId);
    if (!shard) return;
    const status = shard.status === "active" ? "draining" : "active";
    const question = { title: `Drain ${shardId}?`, text: DRAIN, yes: "Drain it" };
    if (status === "draining" && !(await confirm(question))) return;
    try {
      const { connections } = latest.get(shardId) ?? shard;
      await ask(`${path}/update-shard`, { shardId, worldId: id, connections, status });
      say(status === "draining" ? "It is draining" : "It is active again");
    } catch (error) {
      say(`The World refused: ${(error as Error).message}`);
    }
  };
  const shards = new Table(
    "Shards",
    ["Shard", "Room", "Connections", "Status", "Region", "Last report"],
    "There are no shards.",
    {
      create: (_row, shardId) => button("", () => void turn(shardId)),
      update: (element, _row, shardId) =>
        write(element, latest.get(shardId)?.status === "active" ? "Drain…" : "Activate"),
    },
  );
  const rooms = new Table(
    "Rooms",
    ["Room", "Connections", "Shards", "Most shards", "Registered"],
    "It has given out no shard.",
  );
  const listed = new Table("Listed rooms", ["Room", "Users", "Locked"], "No room lists itself.");
  const element = make(
    "div",
    { class: "object" },
    make(
      "div",
      { class: "title" },
      make("h1", {}, id),
      make("div", { class: "buttons" }, make("a", { class: "button", href: links.room("world", id) }, "As a room")),
    ),
    make("p", { class: "note" }, KNOWS),
    card("Shards", shards.element),
    card("Rooms with shards", rooms.element),
    card("Rooms that list themselves", listed.element),
  );
  return {
    title: id,
    interval: EVERY,
    element,
    async refresh() {
      const seen = await ask<WorldInspection>(`${path}/$rooms`);
      latest = new Map(seen.shards.first.map((shard) => [shard.id, shard]));
      shards.draw(seen.shards.first.map(shardRow), seen.shards.total);
      rooms.draw(roomRows(seen), seen.rooms.total);
      listed.draw(listedRows(seen), seen.listed.total);
    },
  };
}

function shardRow({ id, roomId, connections, capacity, status, hint, reportedAt }: ShardInfo): Row {
  const fill = `${count(connections)} of ${count(capacity)}`;
  const report = reportedAt > 0 ? ago(reportedAt, Date.now()) : "not yet";
  const room = { text: roomId, href: links.room("main", roomId) };
  return { key: id, cells: [{ text: id, href: links.shard(id) }, room, fill, status, hint ?? "", report] };
}

function roomRows({ rooms, shards }: WorldInspection): Row[] {
  const byRoom = Map.groupBy(shards.first, ({ roomId }) => roomId);
  return rooms.first.map(({ id, config, isRegistered }) => {
    const own = byRoom.get(id) ?? [];
    const connections = own.reduce((sum, shard) => sum + shard.connections, 0);
    const room = { text: id, href: links.room("main", id) };
    const numbers = [connections, own.length, config.maxShards].map(count);
    return { key: id, cells: [room, ...numbers, isRegistered ? "yes" : "no"] };
  });
}

function listedRows({ listed }: WorldInspection): Row[] {
  return listed.first.map(({ party, roomId, users, maxUsers, locked }) => ({
    key: `${party}/${roomId}`,
    cells: [
      { text: `${party}/${roomId}`, href: links.room(party, roomId) },
      maxUsers === null ? count(users) : `${count(users)} of ${count(maxUsers)}`,
      locked ? "yes" : "no",
    ],
  }));
}
