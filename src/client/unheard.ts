import type { Refusal } from "./room-client.ts";

/** Tells the console of a refusal that nobody listens to: once of each kind. @param told the kinds that it was told of */
export function warnOfUnheard({ code, message, action }: Partial<Refusal>, told: Set<string>): void {
  const kind = `${action} ${code}`;
  if (told.has(kind)) return;
  told.add(kind);
  const what = action === undefined ? "" : `"${action}" was refused: `;
  console.warn(`durable-rooms: ${what}${message} (${code}). Listen with client.on("error", ({ code }) => …)`);
}
