import { WebSocket as PlainSocket } from "ws";

/** A player without a page, which costs next to nothing: a socket at the shard that the World assigned. */
export interface Bystander {
  readonly shard: string;
  /** Every text frame that it received. */
  readonly frames: readonly string[];
  send(action: string, value: unknown): void;
  close(): void;
}

export async function joinShard(url: string, name: string, room: string): Promise<Bystander> {
  const token = await login(url, name);
  const connect = `${url}/parties/world/world-default/connect`;
  const { url: shard } = await post<{ url: string }>(connect, { roomId: `game-${room}` }, token);
  const query = new URLSearchParams({ _pk: crypto.randomUUID(), token });
  const socket = new WebSocket(`${url.replace("http", "ws")}/parties/shard/${shard}?${query}`);
  const frames: string[] = [];
  socket.addEventListener("message", ({ data }) => void frames.push(String(data)));
  await new Promise((resolve, reject) => {
    socket.addEventListener("message", resolve, { once: true });
    socket.addEventListener("close", ({ code, reason }) => reject(new Error(`${name} is refused: ${code} ${reason}`)));
  });
  const send = (action: string, value: unknown) => socket.send(JSON.stringify({ action, value }));
  return { shard, frames, send, close: () => socket.close() };
}

/** @returns a token for a player of this name */
export async function login(url: string, name: string): Promise<string> {
  const { token } = await post<{ token: string }>(`${url}/login`, { name });
  return token;
}

async function post<T>(url: string, body: object, token = ""): Promise<T> {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Many users without a page, in a room that needs no tokens. */
export class Crowd {
  readonly publicIds: readonly string[];
  readonly #sockets: readonly PlainSocket[];

  private constructor(users: readonly (readonly [PlainSocket, string])[]) {
    this.#sockets = users.map(([socket]) => socket);
    this.publicIds = users.map(([, publicId]) => publicId);
  }

  /** Resolves when all of them have joined. */
  static async enter(url: string, room: string, count: number): Promise<Crowd> {
    const address = `${url.replace("http", "ws")}/parties/main/${room}`;
    const users: (readonly [PlainSocket, string])[] = [];
    // Connect them in groups of 100: a busy machine would refuse some of them if all came at once.
    while (users.length < count) {
      const next = Array.from({ length: Math.min(100, count - users.length) }, () => enter(address));
      users.push(...(await Promise.all(next)));
    }
    return new Crowd(users);
  }

  leave(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

async function enter(address: string): Promise<[PlainSocket, publicId: string]> {
  const socket = new PlainSocket(`${address}?_pk=${crypto.randomUUID()}`);
  const first = await new Promise<string>((resolve, reject) => {
    socket.once("message", (data: Buffer) => resolve(data.toString()));
    socket.once("error", reject);
    socket.once("close", (code, reason) => reject(new Error(`${code} ${reason.toString()}`)));
  });
  return [socket, (JSON.parse(first) as { value: { pId: string } }).value.pId];
}
