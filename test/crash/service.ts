import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";

const SECRET = "a secret of the service that is killed, long enough";
export const WORLD = "w";

/** The state of a room, as one of its requests returns it. */
export interface Dump {
  readonly count: number;
  readonly mirror: number;
  readonly base: number;
  /** Each line with the number of the process that wrote it. */
  readonly log: readonly (readonly [at: number, text: string, boot: string])[];
  readonly players: readonly {
    readonly publicId: string;
    readonly name: string;
    readonly isOnline: boolean;
    readonly last: { readonly room: string; readonly at: number };
  }[];
  readonly schedules: readonly (readonly [name: string, payload: string])[];
  /** The public ids of its connections. */
  readonly connected: readonly string[];
}

/** A shard, as its World describes it. */
export interface ShardReport {
  readonly id: string;
  readonly roomId: string;
  readonly capacity: number;
  readonly connections: number;
}

/** The service in a real workerd. It is killed, and starts again with the same storage. */
export class Service {
  /** The number of times that it has started. */
  boot = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "crash-"));
  #workerd: Workerd | undefined;

  async start(): Promise<void> {
    if (this.boot++ === 0) await bundleInto(this.#folder, join(import.meta.dirname, "worker.ts"));
    const vars = { AUTH_JWT_SECRET: SECRET, SHARD_SECRET: SECRET, BOOT: String(this.boot) };
    this.#workerd = await startWorkerd(this.#folder, vars);
  }

  get host(): string {
    return `127.0.0.1:${this.#workerd?.port}`;
  }

  /** The log of the current process. */
  get log(): string {
    return this.#workerd?.log() ?? "";
  }

  /** `kill -9`. @returns the time of the kill */
  async kill(): Promise<number> {
    const at = Date.now();
    await this.#workerd?.kill();
    return at;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async dump(room: string): Promise<Dump> {
    return this.#json(await fetch(`http://${this.host}/parties/main/${room}/dump`));
  }

  /** Drops the lines of a room's log up to a number. This is durable when it resolves. */
  async trim(room: string, upTo: number): Promise<void> {
    await this.#json(await fetch(`http://${this.host}/parties/main/${room}/trim/${upTo}`, { method: "POST" }));
  }

  /** Asks the World for a shard of a room. */
  async enter(roomId: string): Promise<string> {
    const request = { method: "POST", body: JSON.stringify({ roomId }) };
    const answer = await fetch(`http://${this.host}/parties/world/${WORLD}/connect`, request);
    return (await this.#json<{ url: string }>(answer)).url;
  }

  async shards(): Promise<readonly ShardReport[]> {
    const token = await new SignJWT({ aud: "durable-rooms-operator", worlds: "*" })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(SECRET));
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://${this.host}/parties/world/${WORLD}/registry`, { headers });
    return (await this.#json<{ shards: ShardReport[] }>(answer)).shards;
  }

  async #json<T>(answer: Response): Promise<T> {
    if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
