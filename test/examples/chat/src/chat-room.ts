import { collection, connected, defineRoom, RoomError, signal, sync, users } from "durable-rooms";
import * as z from "zod";

/** The number of messages that a room keeps. */
export const KEPT = 200;

class Member {
  name = sync(signal("Somebody"));
  /** It need not survive a restart. */
  isTyping = sync(signal(false), { persist: false });
  online = connected();
}
/** Each message has its own row, so that a new one costs one write, however many there are. */
const makeMessage = (by = "", name = "", text = "", at = 0) => ({
  by: sync(signal(by)),
  name: sync(signal(name)),
  text: sync(signal(text)),
  at: sync(signal(at)),
});

export const chatRoom = defineRoom({
  path: "chat-{topic}",
  throttleStorage: 0, // acknowledged messages are stored
  rateLimit: { messages: 20, per: 5000 },
  maxMessageBytes: 8192,
  state: () => ({ members: users(Member), messages: collection(() => makeMessage()) }),

  onLeave: ({ user }) => user.isTyping.set(false),

  actions: {
    rename: { input: z.string().trim().min(1).max(24), run: ({ user }, name) => user.name.set(name) },
    typing: { input: z.boolean(), run: ({ user }, isTyping) => user.isTyping.set(isTyping) },
    say: {
      input: z.string().trim().min(1).max(1000),
      run({ state, user, conn }, text) {
        const messages = state.messages();
        const keys = Object.keys(messages).toSorted();
        // The keys have nine digits, so that their alphabetical order stays the order of the messages.
        const last = Number(keys.at(-1)?.slice(1) ?? 0);
        const key = `m${String(last + 1).padStart(9, "0")}`;
        messages[key] = makeMessage(conn.publicId, user.name(), text, Date.now());
        for (const old of keys.slice(0, Math.max(0, keys.length + 1 - KEPT))) delete messages[old];
        user.isTyping.set(false);
        return key;
      },
    },
    remove: {
      input: z.string(),
      run({ state, conn }, key) {
        const message = state.messages()[key];
        if (!message) throw new RoomError("not_found", "There is no such message");
        if (message.by() !== conn.publicId) throw new RoomError("forbidden", "It is not yours");
        delete state.messages()[key];
      },
    },
  },
});
