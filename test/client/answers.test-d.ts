import { expectTypeOf } from "vitest";
import { connectRoom } from "../../src/client/index.ts";
import type { AsJson } from "../../src/client/index.ts";
import type { TestClient } from "../../src/testing/client.ts";
import type { Player, room } from "./answering-room.ts";

const client = connectRoom<typeof room>({ host: "x", room: "room" });

interface SentItem {
  count: number;
}
interface SentPlayer {
  x: number;
  online: boolean;
  best: number;
  pos: { x: number };
  items: Record<string, SentItem>;
}
expectTypeOf(client.call("me")).resolves.toEqualTypeOf<SentPlayer>();
const me = await client.call("me");
// @ts-expect-error only its owner sees it, and answers contain what everybody may see
void me.hand;
// @ts-expect-error stored only
void me.limit;
// @ts-expect-error not marked
void me.serverOnly;
// @ts-expect-error it is a method
void me.move;
// @ts-expect-error it is an entry's own id: clients know its key
void me.id;
// @ts-expect-error it is a nested hidden field
void me.pos.z;
// @ts-expect-error it is hidden in an entry of an entry
void me.items["sword"]?.price;
expectTypeOf(client.call("everyone")).resolves.toEqualTypeOf<{ at: string; players: SentPlayer[] }>();
expectTypeOf(client.call("monster")).resolves.toEqualTypeOf<{ hp: number } | undefined>();
expectTypeOf(client.call("unread")).resolves.toEqualTypeOf<{ ok: boolean; x: number; boss: string | null }>();
expectTypeOf(client.call("read")).resolves.toEqualTypeOf<{ id: string; hand: string[]; since: string }>();
expectTypeOf(client.call("whole")).resolves.toEqualTypeOf<Record<string, SentPlayer>>();
expectTypeOf(client.call("functions")).resolves.toEqualTypeOf<{ ok: boolean; list: never[] }>();
expectTypeOf(client.call("nothing")).resolves.toEqualTypeOf<undefined>();
const [{ at, maybe }] = await client.call("dates");
expectTypeOf(at).toEqualTypeOf<string>();
expectTypeOf(maybe).toEqualTypeOf<string | undefined>();
const folder = await client.call("folder");
expectTypeOf(folder?.folders["a"]?.folders["b"]?.name).toEqualTypeOf<string | undefined>();
expectTypeOf(client.state.root["a"]?.folders["b"]?.name).toEqualTypeOf<string | undefined>();

// Clients of tests have the same types.
declare const tested: TestClient<typeof room>;
expectTypeOf(tested.call("me")).resolves.toEqualTypeOf<SentPlayer>();

// Without a room, every object with fields is treated as an entry.
expectTypeOf<AsJson<Player>>().toEqualTypeOf<SentPlayer>();
expectTypeOf<AsJson<{ a: Player | null; since: Date }>>().toEqualTypeOf<{ a: SentPlayer | null; since: string }>();
