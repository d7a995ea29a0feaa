import type { Refusal } from "./room-client.ts";

/** Writes a refusal without a listener to the console, once for each kind. @param told the kinds that were written */
export function warnOfUnheard({ code, message, action }: Partial<Refusal>, told: Set<string>): void {
  const kind = `${action} ${code}`;
  if (told.has(kind)) return;
  told.add(kind);
  const what = action === undefined ? "" : `"${action}" was refused: `;
  console.warn(`durable-rooms: ${what}${message} (${code}). Listen with client.on("error", ({ code }) => …)`);
}
