import { defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

class Talker {
  muted = sync(signal<string[]>([]));
}

export const chat = defineRoom({
  path: "chat-{id}",
  rateLimit: { messages: 5, per: 1000 },
  state: () => ({ talkers: users(Talker) }),
  actions: {
    say: {
      input: z.string().max(1000),
      run: ({ room, conn }, text) => room.broadcast({ type: "said", value: { by: conn.publicId, text } }),
    },
    mute: { input: z.string(), run: ({ user }, publicId) => void user.muted().push(publicId) },
  },
  // null: this connection does not get the packet.
  interceptorPacket({ user, conn }, packet) {
    const { by } = (packet.value ?? {}) as { by?: string };
    if (packet.type !== "said" || by === undefined || !user) return packet;
    if (user.muted().includes(by)) return null;
    return { ...packet, value: { ...(packet.value as object), isMine: by === conn.publicId } };
  },
});
