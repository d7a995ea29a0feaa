import type { AnyRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import type { RoomCall } from "../room/actions/room-calls.ts";
import { callRoom } from "../room/call-room.ts";
import type { TestClient } from "./client.ts";
import { ask, connect } from "./connect.ts";
import { expectConverged } from "./converged.ts";
import { RoomUnderTest } from "./object-under-test.ts";
import type { ServiceParts } from "./registry.ts";
import { findSharedSignal } from "../state/shared-signals.ts";
import type { ClientOptions, RoomTest } from "./types.ts";

/** A room of a service under test, and its clients. */
export class TestedRoom {
  readonly #object: RoomUnderTest;
  readonly #clients = new Set<TestClient>();

  constructor(service: ServiceParts, party: string, id: string) {
    this.#object = new RoomUnderTest(service, party, id);
  }

  /** Starts the room, if it is new. @throws Error if rooms would share a signal */
  async begin({ compiled }: AnyRoom): Promise<void> {
    const problem = await this.#object.run(async ({ core }) => {
      await core.visit();
      return findSharedSignal(core.tree, () => compiled.definition.state());
    });
    if (problem !== undefined) throw new Error(problem);
  }

  /** Resolves when every client has received all packets that were sent until now. */
  async delivered(clients: ReadonlySet<TestClient> = this.#clients): Promise<void> {
    const turn = await this.#object.run((instance) => instance.mark());
    for (const client of clients) await client.reached(turn);
  }

  expectConverged(): Promise<void> {
    return expectConverged(this.#object, this.#clients);
  }

  /** @param claims the claims of clients and requests without their own */
  test(claims: Claims | null, advance: (ms: number) => Promise<void>): RoomTest<object> {
    const object = this.#object;
    return {
      room: {
        id: object.id,
        get state() {
          return object.core.state;
        },
        change: (run) => this.#change(run),
        fetch: (path, init = {}) => ask(object, path, { auth: claims, ...init }),
        call: (...call) => this.#call(...call) as never,
      },
      server: {
        roomStorage: {
          get: (key) => object.stored((storage) => storage.get(key)),
          list: () => object.stored(async (storage) => Object.fromEntries(await storage.list())),
        },
        evict: () => object.evict(),
        crash: () => this.#crash(),
        advance,
      },
      createClient: (options = {}) => this.#connect({ auth: claims, ...options }),
      expectConverged: () => this.expectConverged(),
    };
  }

  async #change(run: (state: object) => void): Promise<void> {
    await this.#object.run(({ core }) => {
      core.turns.run(() => run(core.state));
      core.turns.end();
    });
    await this.delivered();
  }

  async #connect(options: ClientOptions & { readonly auth: Claims | null }): Promise<TestClient> {
    const client = await connect(this.#object, options, { clients: this.#clients });
    // The mark waits for the first packet, if there is one.
    await this.delivered(new Set([client]));
    if (!client.isOpen && client.publicId === "") {
      const { code, reason } = await client.closed;
      throw Object.assign(new Error(`The room closed the connection with ${code}: ${reason}`), { code, reason });
    }
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client));
    return client;
  }

  /** Clients at shards stay connected. */
  async #crash(): Promise<void> {
    const closed = [...this.#clients].filter(({ shardId }) => shardId === undefined).map((client) => client.closed);
    await this.#object.crash();
    await Promise.all(closed);
  }

  /** Another room of the party calls. */
  async #call(...call: readonly unknown[]): Promise<unknown> {
    const { party, id, stub } = this.#object;
    const rooms = { call: (_: unknown, given: RoomCall) => stub.call(given) };
    const answer = await callRoom(rooms, { party, id: "caller" }, id, ...call);
    await this.delivered();
    return answer;
  }
}
