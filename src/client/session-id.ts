import { originOf } from "./address.ts";
import type { CommonOptions, IdStorage } from "./options.ts";
import { randomId } from "./random-id.ts";
import { isSessionId, keptId, webStorage } from "./tab-storage.ts";

/** The last question to a storage. The clients of a page ask one after the other, so that they get the same id. */
let asked: Promise<string> | undefined;

/** Returns the private session id of a client: the option `id`, the stored one, or a new one. */
export function sessionId(options: CommonOptions): string | Promise<string> {
  const { id, storage, transferToken } = options;
  if (isSessionId(id)) return id;
  if (id) throw new TypeError("id must have 1 to 256 characters");
  if (!storage) {
    // With a random id the room would refuse the token.
    if (transferToken) throw new TypeError("transferToken needs id or storage");
    return randomId();
  }
  // Each service gets its own id, since whoever has the id is this user.
  const key = `durable-rooms:${originOf(options)}`;
  if (typeof storage === "string") return keptId(webStorage(storage), key);
  return (asked = askStorage(storage, key, asked));
}

async function askStorage(storage: IdStorage, key: string, previous: Promise<string> | undefined): Promise<string> {
  const id = randomId();
  await previous;
  try {
    const kept = await storage.getItem(key);
    if (isSessionId(kept)) return kept;
    await storage.setItem(key, id);
    // Another page may have stored an id meanwhile.
    const now = await storage.getItem(key);
    if (isSessionId(now)) return now;
  } catch {
    // The id is not kept.
  }
  return id;
}
