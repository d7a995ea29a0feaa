import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { writeAckFrame, writeSyncFrame } from "../../src/protocol/binary/frames.ts";

interface Message {
  readonly action: string;
  readonly value?: unknown;
  readonly id: string;
}

/** How each room of the service answers a message, by the id of the room. */
const ROOMS: Readonly<Record<string, (socket: WebSocket, message: Message) => void>> = {
  good: (socket, { id }) => socket.send(JSON.stringify({ type: "ack", value: { id, result: null } })),
  binary: (socket, { id }) => socket.send(writeAckFrame(JSON.stringify({ id, result: null }), 1)),
  strict: (socket, { id }) =>
    socket.send(JSON.stringify({ type: "error", value: { code: "forbidden\u001B[2J", message: "No", id } })),
  picky: (socket, { id }) => {
    const value = { code: "invalid_input", message: "Wrong", id, issues: [{ path: ["at", "x"], message: "Too big" }] };
    socket.send(JSON.stringify({ type: "error", value }));
  },
  busy: (socket, { id }) => {
    const isDone = id.endsWith("-1");
    if (isDone) socket.send(JSON.stringify({ type: "ack", value: { id } }));
    else socket.send(JSON.stringify({ type: "error", value: { code: "rate_limited", message: "Too much" } }));
  },
  mute: () => {},
  hasty: (socket) => socket.close(4403, "Out\u001B[2J"),
};

/** Starts a service whose rooms are in {@link ROOMS}. Each room is named after what it does. */
export async function startService() {
  const received: Message[] = [];
  const urls: URL[] = [];
  const http = createServer(({ url = "" }, response) => {
    if (!url.startsWith("/parties/world/")) return response.end("{}");
    response.writeHead(403).end(JSON.stringify({ success: false, error: "Not in this World" }));
  });
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 0 } });
  sockets.on("connection", (socket, request) => {
    const url = new URL(`http://localhost${request.url}`);
    urls.push(url);
    const room = url.pathname.split("/").at(-1) ?? "";
    if (room === "full") return socket.close(4503, "The room is full");
    const value = { pId: `user ${urls.length}` };
    const head = { seq: 1, epoch: "e" };
    if (room === "binary") socket.send(writeSyncFrame(head));
    else socket.send(JSON.stringify({ type: "sync", ...head, value }));
    socket.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text === "ping") return socket.send("pong");
      const message = JSON.parse(text) as Message;
      received.push(message);
      sockets.emit("acted");
      ROOMS[room]?.(socket, message);
    });
  });
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as { port: number };
  return {
    host: `127.0.0.1:${port}`,
    received,
    urls,
    /** Resolves when the next action arrives. */
    acted: () => new Promise<void>((resolve) => void sockets.once("acted", resolve)),
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      return new Promise<unknown>((resolve) => void http.close(resolve));
    },
  };
}
