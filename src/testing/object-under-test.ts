import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Binding, RoomCalls } from "../objects/bindings.ts";
import type { RoomCore } from "../room/room.ts";
import type { ServiceParts, TestedObject } from "./registry.ts";
import type { RoomObject } from "./room-object.ts";

/** The binding of the objects of a party. */
function bindingOf(party: string): Binding {
  if (party === "shard") return "SHARDS";
  return party === "world" ? "WORLDS" : "ROOMS";
}

/** One Durable Object of a service under test. */
export class ObjectUnderTest<T extends TestedObject = TestedObject> {
  readonly service: ServiceParts;
  readonly party: string;
  readonly id: string;

  constructor(service: ServiceParts, party: string, id: string) {
    this.service = service;
    this.party = party;
    this.id = id;
  }

  /** A new one each time: a stub of an object that crashed is broken. */
  get stub(): DurableObjectStub<Rpc.DurableObjectBranded & RoomCalls> {
    return this.service.places.stubOf(env, bindingOf(this.party), this.party, this.id) as never;
  }

  run<R>(run: (instance: T, ctx: DurableObjectState) => R | Promise<R>): Promise<R> {
    return runInDurableObject(this.stub as DurableObjectStub, (instance, ctx) => run(instance as never, ctx));
  }

  async evict(): Promise<void> {
    await evictDurableObject(this.stub);
    await this.run(() => {});
  }

  async crash(): Promise<void> {
    await this.run((_, ctx) => ctx.abort("crashed by the test")).catch(() => {});
    await this.run(() => {});
  }
}

/** One that runs a room, or a World, which is a room too. */
export class RoomUnderTest extends ObjectUnderTest<RoomObject> {
  #core: RoomCore | undefined;

  /** The room as it was when something was last done in it. */
  get core(): RoomCore {
    if (!this.#core) throw new Error("The room is not running");
    return this.#core;
  }

  override run<R>(run: (instance: RoomObject, ctx: DurableObjectState) => R | Promise<R>): Promise<R> {
    return super.run((instance, ctx) => {
      this.#core = instance.core;
      return run(instance, ctx);
    });
  }

  /** What is stored, after all that is unsaved was saved. */
  stored<R>(read: (storage: DurableObjectStorage) => R | Promise<R>): Promise<R> {
    return this.run(async ({ core }, ctx) => {
      await core.handle.flush();
      return read(ctx.storage);
    });
  }

  override async evict(): Promise<void> {
    await this.run(async ({ core }) => {
      if (!core.compiled.settings.hibernate && core.handle.connections.length > 0) {
        throw new Error(
          "A room with hibernate: false does not hibernate while a client is connected: close its clients",
        );
      }
      // The runtime waits for timers: of those, the save is done now, and a tick would never end.
      await core.handle.flush();
      core.rest();
    });
    await super.evict();
  }
}
