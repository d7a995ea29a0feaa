import type { ActionList, RoomInspection, Search, ShardInspection } from "../types.ts";
import { Actions } from "./actions.ts";
import { ask, pathOf } from "./api.ts";
import { confirm } from "./confirm.ts";
import { Counters } from "./counters.ts";
import { button, card, make, searchField } from "./dom.ts";
import { count, plural } from "./format.ts";
import { connectionRows, createPackets, errorRows, scheduleRows, sessionRows, shardRows, sightRows } from "./lists.ts";
import { Table } from "./table.ts";
import { Tree } from "./tree.ts";
import { links } from "./view.ts";
import type { View } from "./view.ts";

const EVERY = 1000;
const PACKETS =
  "The latest 50, since somebody looks. Private ids and tokens are left out. What clients at shards get is shown at the shard.";
const EVICTION =
  "What is unsaved is saved, then the object loses its memory. Its sockets close, and clients come back within seconds. Messages on their way are lost, as in a crash.";

/** A room, or a World as the room that it is. */
export async function roomView(party: string, room: string, say: (text: string) => void): Promise<View> {
  const path = pathOf(party, room);
  const counters = new Counters();
  const tree = new Tree("State");
  let search: Search = { field: "", user: "" };
  const find = (part: Partial<Search>) => {
    search = { ...search, ...part };
    void refresh().catch((error: Error) => say(error.message));
  };
  const fieldSearch = searchField("Find a field or an entry", (field) => find({ field }));
  const userSearch = searchField("Find a user", (user) => find({ user }));
  const sessions = new Table("Sessions", ["User", "State", "Connections"], "Nobody.");
  const connections = new Table("Connections", ["Connection", "User", "Where", "Protocol"], "Nobody.");
  const shards = new Table("Shards", ["Shard", "Connections"], "All clients are connected here.");
  const sights = new Table("Who sees whom", ["User", "Collection", "Looks by", "Sees"], "Nobody.");
  const crowd = card("Who sees whom", sights.element);
  crowd.hidden = true;
  const schedules = new Table("Schedules", ["Name", "When", "Payload"], "Nothing is scheduled.");
  const errors = new Table("Errors", ["Time", "Event", "Action", "Code", "Error"], "None since it woke.");
  const packets = createPackets();
  const warning = make(
    "p",
    { class: "warning", role: "alert", hidden: "" },
    "The room cannot start: its errors say why.",
  );
  const actions = party === "world" ? undefined : new Actions(party, room, await ask<ActionList>(`${path}/$actions`));
  const element = make(
    "div",
    { class: "object" },
    titleOf(`${party}/${room}`, evictButton(path, say)),
    warning,
    counters.charts,
    card("Now", counters.tiles),
    make(
      "div",
      { class: "columns" },
      make("div", {}, card("State", fieldSearch, tree.element), ...(actions ? [actions.element] : [])),
      make(
        "div",
        {},
        card("Users and sessions", userSearch, sessions.element),
        card("Connections", connections.element),
        ...(party === "world" ? [] : [card("Shards", shards.element)]),
        card("Schedules", schedules.element),
        card("Last errors", errors.element),
      ),
    ),
    crowd,
    card("Recent packets", make("p", { class: "note" }, PACKETS), packets.element),
  );
  async function refresh(): Promise<void> {
    const asked = search;
    const seen = await ask<RoomInspection>(`${path}/$inspect?${new URLSearchParams({ ...asked })}`);
    // Somebody typed on.
    if (asked !== search) return;
    const { metrics, state } = seen;
    warning.hidden = state !== undefined;
    counters.draw(metrics, [
      ["connections", count(metrics.connections)],
      ["users online", count(metrics.users ?? 0)],
      ["sessions", count(metrics.sessions ?? 0)],
      ["shards", count(metrics.shards?.length ?? 0)],
    ]);
    if (state) tree.draw(state, search.field);
    sessions.draw(sessionRows(seen), seen.sessions?.total);
    connections.draw(connectionRows(seen), seen.connections?.total);
    shards.draw(shardRows(metrics.shards));
    crowd.hidden = seen.sights === undefined;
    sights.draw(sightRows(seen), seen.sights?.total);
    schedules.draw(scheduleRows(seen), seen.schedules?.total);
    errors.draw(errorRows(metrics.errors));
    packets.draw(seen.packets);
  }
  return { title: `${party}/${room}`, element, interval: EVERY, close: () => actions?.close(), refresh };
}

/** A shard. What is in its room is shown there. */
export function shardView(id: string, say: (text: string) => void): View {
  const path = pathOf("shard", id);
  const counters = new Counters();
  const errors = new Table("Errors", ["Time", "Event", "Action", "Code", "Error"], "None since it woke.");
  const packets = createPackets();
  const toRoom = make("a", { class: "button", hidden: "" }, "Its room");
  return {
    title: id,
    interval: EVERY,
    element: make(
      "div",
      { class: "object" },
      titleOf(id, toRoom, evictButton(path, say)),
      counters.charts,
      card("Now", counters.tiles),
      card("Last errors", errors.element),
      card("Recent packets", packets.element),
    ),
    async refresh() {
      const {
        metrics,
        worldId,
        capacity = 0,
        isDraining,
        packets: recent,
      } = await ask<ShardInspection>(`${path}/$inspect`);
      counters.draw(metrics, [
        ["connections", `${count(metrics.connections)} of ${plural(capacity, "place")}`],
        ["room", metrics.room || "none: no World made it"],
        ["World", worldId ?? "none"],
        ["status", isDraining ? "draining" : "active"],
      ]);
      toRoom.hidden = metrics.room === "";
      toRoom.setAttribute("href", links.room(metrics.party, metrics.room));
      errors.draw(errorRows(metrics.errors));
      packets.draw(recent);
    },
  };
}

function titleOf(name: string, ...buttons: HTMLElement[]): HTMLElement {
  return make("div", { class: "title" }, make("h1", {}, name), make("div", { class: "buttons" }, ...buttons));
}

function evictButton(path: string, say: (text: string) => void): HTMLElement {
  const evict = async () => {
    if (!(await confirm({ title: "Evict it from memory?", text: EVICTION, yes: "Save, and close its sockets" })))
      return;
    try {
      await ask(`${path}/$evict`, {});
      say("It was evicted");
    } catch (error) {
      say(`It was not evicted: ${(error as Error).message}`);
    }
  };
  return button("Evict…", () => void evict(), "danger");
}
