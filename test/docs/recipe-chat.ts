import { defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

interface Message {
  readonly from: string;
  readonly text: string;
  readonly at: number;
}
class Talker {
  name = sync(signal("?"));
}

export const chat = defineRoom({
  path: "chat-{id}",
  state: () => ({ talkers: users(Talker), messages: sync(signal<Message[]>([])) }),
  actions: {
    say: {
      input: z.string().trim().min(1).max(500),
      rateLimit: { messages: 3, per: 5000 }, // three in five seconds for each user, over all of their tabs
      run({ state, user }, text) {
        const messages = state.messages();
        messages.push({ from: user.name(), text, at: Date.now() }); // only this message is sent
        if (messages.length > 100) messages.splice(0, messages.length - 100);
      },
    },
  },
});
