import { tag, text } from "./file-text.ts";

/** What is read of a request: the context of a Hono handler has it. */
interface HandlerContext {
  readonly req: { header(name: string): string | undefined };
}

/**
 * A handler for Hono that answers with `durable-rooms/client` as one ESM file, for pages that are not bundled. It is of
 * the same version as the Worker. It adds 14 KB gzipped to the Worker.
 *
 * @example
 * import { createRooms } from "durable-rooms";
 * import { clientFile } from "durable-rooms/client-file";
 * const rooms = createRooms({ rooms: [gameRoom] });
 * rooms.app.get("/durable-rooms.js", clientFile); // <script type="module">import { connectRoom } from "/durable-rooms.js"
 */
export function clientFile({ req }: HandlerContext): Response {
  const headers = {
    "content-type": "text/javascript; charset=utf-8",
    // A deploy may have brought another one.
    "cache-control": "public, no-cache",
    // Pages of other hosts may use it, too.
    "access-control-allow-origin": "*",
    etag: tag,
  };
  if (req.header("if-none-match")?.includes(tag)) return new Response(null, { status: 304, headers });
  return new Response(text, { headers });
}
