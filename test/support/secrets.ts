import { signal } from "@signe/reactive";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Claims } from "../../src/define/types.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, persist, sync } from "../../src/state/fields.ts";

/**
 * Each secret is a unique text that says who may read it: `<m:room:reader:number>`, where the reader is "all", "gm",
 * "none", or a user's name. Tests search everything that clients receive for such texts.
 */
export const MARK = /<m:([^:>]+):([^:>]+):\d+>/g;
let marks = 0;
export const mark = (room: string, reader: string) => `<m:${room}:${reader}:${marks++}>`;

export const USERS = ["ann", "bob", "gm"];
export const claimsOf = (name: string): Claims => ({ sub: name, ...(name === "gm" && { gm: true }) });
const nameOf = (auth: Claims | null) => String(auth?.["sub"]);

const makeItem = () => ({ shown: sync(signal("-")), own: sync(signal("-"), { visibleTo: "owner" }) });
const isGm = (viewer: { auth: Claims | null }) => viewer.auth?.["gm"] === true;

/** Keys that clients choose for entries. Some look like the path to a nested entry, for different separators. */
const KEYS = ["a\0children\0b", "a.children.b", "a\nchildren\nb", "c"];

/** @param isDynamic whether predicates decide who sees hidden fields */
export function definitionOf(room: string, isDynamic: boolean, isIntercepted = false) {
  const forGm = { visibleTo: isDynamic ? isGm : ("owner" as const) };
  class Player {
    name = sync(signal("-"));
    online = connected();
    hand = sync(signal<string[]>([]), { visibleTo: "owner" });
    plan = isDynamic ? sync(signal("-"), { visibleTo: isGm }) : persist(signal("-"));
    notes = persist(signal("-"));
    items = collection(makeItem);
  }
  /** An entry of a tree. Each node has its own reader. */
  class TreeNode {
    reader = persist(signal("none"));
    note = sync(signal("-"), { visibleTo: isDynamic ? ({ auth }) => nameOf(auth) === this.reader() : "owner" });
    children = collection(TreeNode);
  }
  const nodeFor = (reader: string) => {
    const node = new TreeNode();
    node.reader.set(reader);
    node.note.set(mark(room, reader));
    return node;
  };
  const renewNote = (node: TreeNode | undefined) => node?.note.set(mark(room, node.reader()));
  let rewritten = 0;
  return defineRoom({
    path: "r",
    throttleSync: 0,
    state: () => ({
      open: sync(signal(mark(room, "all"))),
      gm: sync(signal<Record<string, string>>({ a: mark(room, "gm") }), forGm),
      seed: persist(signal(mark(room, "none"))),
      memory: signal(mark(room, "none")),
      nobody: sync(signal(mark(room, "none")), { visibleTo: isDynamic ? () => false : "owner" }),
      vault: collection(() => ({ gold: sync(signal("-")) }), forGm),
      nodes: collection(TreeNode),
      players: users(Player),
    }),
    actions: {
      /** Gives new secrets to the user and to the room. The result is a secret for the user who asked. */
      renew: {
        run({ state, user, auth }) {
          const name = nameOf(auth);
          user.name.set(mark(room, "all"));
          user.hand.update((hand) => [...hand.slice(-2), mark(room, name)]);
          user.plan.set(mark(room, "gm"));
          user.notes.set(mark(room, "none"));
          const item = (user.items()["sword"] ??= makeItem());
          item.shown.set(mark(room, "all"));
          item.own.set(mark(room, name));
          state.open.set(mark(room, "all"));
          state.gm.mutate((gm) => void (gm["b"] = mark(room, "gm")));
          state.seed.set(mark(room, "none"));
          state.nobody.set(mark(room, "none"));
          state.vault()[`k${marks % 3}`] = { gold: sync(signal(mark(room, "gm"))) };
          return mark(room, name);
        },
      },
      plant: {
        run({ state, auth }) {
          for (const key of KEYS) {
            try {
              state.nodes()[key] = nodeFor(nameOf(auth));
            } catch {
              // Some of these keys are not allowed for entries.
            }
          }
        },
      },
      /** Adds a node for the next user below another node. */
      nest: {
        run({ state, auth }) {
          const reader = USERS[(USERS.indexOf(nameOf(auth)) + 1) % USERS.length] as string;
          const parent = (state.nodes()["a"] ??= nodeFor("none"));
          parent.children()["b"] = nodeFor(reader);
        },
      },
      /** Changes a planted node and the nested one in one turn, so that two readers get changes at the same time. */
      rewrite: {
        run({ state }) {
          renewNote(state.nodes()[KEYS[rewritten++ % KEYS.length] as string]);
          renewNote(state.nodes()["a"]?.children()["b"]);
        },
      },
      rob: { run: ({ state }) => void delete state.vault()[`k${marks % 3}`] },
      fails: {
        run() {
          throw new Error(mark(room, "none"));
        },
      },
      /** Returns and broadcasts whole entries, of which clients may only receive what everyone may see. */
      show: { run: ({ user }) => user },
      tell: {
        run: ({ room: handle, user }) => handle.broadcast({ type: "shown", value: { user, all: mark(room, "all") } }),
      },
      whisper: {
        run: ({ room: handle, conn, auth }) => handle.send(conn, { type: "own", value: mark(room, nameOf(auth)) }),
      },
      others: {
        run({ room: handle, conn, auth }) {
          for (const other of handle.connections) {
            if (other.auth?.["sub"] !== auth?.["sub"])
              handle.send(other, { type: "for", value: mark(room, nameOf(other.auth)) });
          }
          conn.setState(mark(room, "none"));
        },
      },
    },
    requests: {
      "GET /state": { run: ({ state }) => state.players() },
      "GET /fails": {
        run() {
          throw new Error(mark(room, "none"));
        },
      },
    },
    interceptorPacket: isIntercepted
      ? async ({ conn }, packet) => {
          await Promise.resolve();
          return { ...packet, value: { ...(packet.value as object), mine: mark(room, nameOf(conn.auth)) } };
        }
      : undefined,
  });
}

export const ACTIONS = [
  "renew",
  "plant",
  "nest",
  "rewrite",
  "rob",
  "fails",
  "show",
  "tell",
  "whisper",
  "others",
  "no-such-action",
];

/** @returns the secrets in a text that this reader may not read */
export function stolen(text: string, room: string, reader: string): string[] {
  return [...text.matchAll(MARK)]
    .filter(([, of, may]) => of !== room || !(may === "all" || may === reader))
    .map(([found]) => found);
}
