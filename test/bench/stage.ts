import { SignJWT } from "jose";
import type { Place } from "./load/jobs.ts";
import type { LoadGenerator } from "./load-generator.ts";
import { prepare } from "./servers.ts";
import type { Server, Startable } from "./servers.ts";
import { SERVERS, VARIANTS } from "./variants.ts";
import type { ServerName, VariantName } from "./variants.ts";

const SECRET = "a secret of the bench, 32 bytes or more";
const VARS = { AUTH_JWT_SECRET: SECRET, SHARD_SECRET: "a secret of the bench's shards" };
const CLIENTS_OF_A_SHARD = 1000;

/** Programs that are ready to start. */
export type Programs = ReadonlyMap<ServerName, Startable>;

export async function prepareAll(variants: readonly VariantName[], counting = false): Promise<Programs> {
  const names = [...new Set(variants.map((name) => VARIANTS[name].server))];
  return new Map(await Promise.all(names.map(async (name) => [name, await prepare(SERVERS[name], counting)] as const)));
}

/** The servers of one round. All of them run, but only one at a time has work to do. */
export class Stage {
  readonly #programs: Programs;
  readonly #servers = new Map<ServerName, Server>();

  private constructor(programs: Programs) {
    this.#programs = programs;
  }

  /** Starts the servers, calls `use`, and ends the servers also if it fails. */
  static async with<T>(programs: Programs, use: (stage: Stage) => Promise<T>, compresses = false): Promise<T> {
    const stage = new Stage(programs);
    try {
      for (const [name, program] of programs) stage.#servers.set(name, await program.start(VARS, compresses));
      return await use(stage);
    } finally {
      for (const server of stage.#servers.values()) await server.stop();
    }
  }

  /** Starts another server for one variant, calls `use`, and ends that server. */
  alone<T>(variant: VariantName, use: (stage: Stage) => Promise<T>): Promise<T> {
    const { server } = VARIANTS[variant];
    return Stage.with(new Map([...this.#programs].filter(([name]) => name === server)), use);
  }

  /** Runs a variant for a moment, so that the code that will be measured has been compiled. */
  async warmUp(load: LoadGenerator, variant: VariantName): Promise<void> {
    const place = await this.place(variant, "warm-up");
    const moves = { action: "move", inFlight: 100, warmUp: 0, duration: 1000 };
    await load.do({ kind: "run", place, clients: 20, seed: 0, load: moves });
  }

  /** Where the clients of a variant reach a room. */
  async place(variant: VariantName, room: string): Promise<Place> {
    const { server, prefix, protocol = "json", shards = 0, query = "", isBatched } = VARIANTS[variant];
    const { port, pid, shards: holder } = this.#servers.get(server) as Server;
    const paths = await this.#paths(port, protocol, `${prefix}${room}`, shards);
    const base = { port, pid, protocol, paths: paths.map((path) => path + query), ...(isBatched && { isBatched }) };
    return holder ? { ...base, port: holder.port, callers: [port, holder.port] } : base;
  }

  async #paths(port: number, protocol: Place["protocol"], room: string, count: number): Promise<string[]> {
    if (protocol === "colyseus") return [room];
    if (count === 0) return [`/parties/main/${room}?id=client-{n}`];
    const shards = await registerShards(port, room, count);
    return shards.map((shard) => `/parties/shard/${encodeURIComponent(shard)}?id=client-{n}`);
  }
}

/** Asks a World to start the shards of a room. @returns their ids */
async function registerShards(port: number, room: string, count: number): Promise<readonly string[]> {
  const token = await new SignJWT({ aud: "durable-rooms-operator", worlds: "*" })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));
  const response = await fetch(`http://127.0.0.1:${port}/parties/world/bench/register-room`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      name: room,
      balancingStrategy: "round-robin",
      public: true,
      maxPlayersPerShard: CLIENTS_OF_A_SHARD,
      minShards: count,
    }),
  });
  if (!response.ok) throw new Error(`The World refused: ${response.status} ${await response.text()}`);
  return (await response.json<{ shards: string[] }>()).shards;
}
