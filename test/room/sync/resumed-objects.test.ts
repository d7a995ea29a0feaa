import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { FrameReader } from "../../../src/protocol/binary/frame-reader.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import type { MemorySocket } from "../../support/memory.ts";

type Any = string | number | null | readonly unknown[] | Readonly<Record<string, unknown>>;
type Plain = Readonly<Record<string, unknown>>;

const card = () => ({ shown: sync(signal<Any>(null)), score: sync(signal(0)) });
const state = () => ({
  question: sync(signal<Any>(null)),
  any: sync(signal<Any>(null)),
  settings: sync(signal<{ round: { limit: number } | null }>({ round: null })),
  cards: collection(card),
});
type Quiz = ReturnType<typeof state>;

const protocols = { 2: "protocol=2", 3: "protocol=2&protocol=3" } as const;

/** A client that resumes, and decodes packets as the real client does. */
class Client {
  readonly #tree: MemoryTree<Quiz>;
  readonly #query: string;
  readonly #shard: string | undefined;
  readonly #frames = new FrameReader();
  readonly #kept = new Map<unknown, Plain>();
  #socket: MemorySocket | undefined;
  #read = 0;
  #position = "";
  state: Plain = {};
  last: Plain = {};

  constructor(tree: MemoryTree<Quiz>, query: string, shard?: string) {
    this.#tree = tree;
    this.#query = query;
    this.#shard = shard;
  }

  async connect(): Promise<void> {
    const known = new URLSearchParams(this.#frames.query).toString();
    const query = [this.#query, this.#position, known].filter((part) => part !== "").join("&");
    this.#read = 0;
    this.#socket = this.#shard
      ? this.#tree.shards.get(this.#shard)?.connect("ada", null, query)
      : await this.#tree.room.connect("ada", null, undefined, query);
    await this.#tree.advance(2000);
    this.read();
  }

  async disconnect(): Promise<void> {
    if (this.#shard) this.#tree.shards.get(this.#shard)?.disconnect(this.#socket as MemorySocket);
    else this.#tree.room.disconnect(this.#socket as MemorySocket);
    await this.#tree.advance(1000);
  }

  read(): void {
    const frames = this.#socket?.frames ?? [];
    for (const frame of frames.slice(this.#read)) {
      const isText = typeof frame === "string";
      this.#take((isText ? JSON.parse(frame) : this.#frames.read(new Uint8Array(frame), this.state)) as Plain);
    }
    this.#read = frames.length;
  }

  #take({ type, seq, epoch, from, mark, clear, value }: Plain): void {
    if (type !== "sync") return;
    const { pId, ...patch } = value as Plain;
    const start = pId ? {} : from === undefined ? this.state : (this.#kept.get(from) as Plain);
    this.state = applyPatch(applyPatch(start, (clear ?? {}) as Plain), patch);
    this.#kept.set(seq, this.state);
    const at = new URLSearchParams(this.#position);
    for (const [name, said] of Object.entries({ since: seq, epoch, mark }))
      if (said !== undefined) at.set(name, `${said as string | number}`);
    this.#position = at.toString();
    this.last = clear === undefined ? { value: patch } : { clear, value: patch };
  }
}

const question = { text: "Why?", answers: ["so"], by: { name: "Ada" } };

describe.each(Object.entries(protocols))(
  "P5.4: an object that replaces another value while a client of protocol %s is offline",
  (_, query) => {
    describe.each(["its room", "a shard"])("from %s", (via) => {
      describe.each(["stays awake", "hibernates", "crashes"])("which %s", (end) => {
        async function away(before: (state: Quiz) => void, meanwhile: (state: Quiz) => void) {
          const definition = defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state });
          const tree = new MemoryTree<Quiz>(definition.compiled);
          if (via !== "its room") tree.add("one");
          const client = new Client(tree, `${query}&clear=1`, via === "its room" ? undefined : "one");
          await client.connect();
          tree.room.change(before);
          await tree.advance(2000);
          client.read();
          await client.disconnect();
          tree.room.change(meanwhile);
          await tree.advance(2000);
          if (end === "crashes") tree.room.crash();
          else if (end === "hibernates") await tree.room.evict();
          await client.connect();
          return client;
        }

        it("is sent as an object", async () => {
          const client = await away(
            ({ cards, any }) => {
              cards()["a"] = card();
              any.set(7);
            },
            ({ question: asked, any, settings, cards }) => {
              asked.set(question);
              any.set({});
              settings.set({ round: { limit: 3 } });
              cards()["a"]?.shown.set({ suit: { name: "hearts" } });
            },
          );
          expect(client.last["value"]).toMatchObject({
            question,
            any: {},
            settings: { round: { limit: 3 } },
            cards: { a: { shown: { suit: { name: "hearts" } } } },
          });
          expect(JSON.stringify(client.last)).not.toContain(".");
          expect(client.state).toMatchObject({ question, any: {}, settings: { round: { limit: 3 } } });
        });

        it("is the whole value that the client has afterwards", async () => {
          const client = await away(
            ({ question: asked, any, settings, cards }) => {
              asked.set({ text: "Who?", hint: { long: "Me" } });
              any.set([{ x: 1 }, 2]);
              settings.set({ round: { limit: 1 } });
              for (const key of ["a", "b"]) cards()[key] = card();
              cards()["a"]?.shown.set({ suit: { color: "red" } });
              cards()["b"]?.shown.set({ suit: 1 });
            },
            ({ question: asked, any, settings, cards }) => {
              asked.set(null);
              settings.set({ round: null });
              cards()["a"]?.shown.set([1]);
              delete cards()["b"];
              cards()["b"] = card();
              cards()["b"]?.shown.set({ rank: 2 });
              asked.set(question);
              any.set({ 0: "x" });
              settings.set({ round: { limit: 2 } });
            },
          );
          expect(JSON.stringify(client.last)).not.toContain(".");
          expect(client.state).toEqual({
            question,
            any: { 0: "x" },
            settings: { round: { limit: 2 } },
            cards: { a: { shown: [1], score: 0 }, b: { shown: { rank: 2 }, score: 0 } },
          });
        });
      });
    });

    it("is sent with dots in names to a client without clear=1", async () => {
      const tree = new MemoryTree<Quiz>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
      const client = new Client(tree, query);
      await client.connect();
      await client.disconnect();
      tree.room.change((of) => of.question.set({ text: "Why?" }));
      await client.connect();
      expect(client.last).toEqual({ value: { question: "$delete", "question.text": "Why?" } });
      expect(client.state).toMatchObject({ question: { text: "Why?" } });
    });
  },
);
