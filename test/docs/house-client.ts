// client.ts, in the browser
import type { ActionResult, ClientOf, ClientState } from "../../src/client/index.ts";
import type { house } from "./house.ts";

export const priceIn = (state: ClientState<typeof house>): number => state.price;
export const whereOf = (answer: ActionResult<typeof house, "bid">): string => answer.where;

export function follow(client: ClientOf<typeof house>, show: (text: string) => void): () => void {
  return client.on("sold", ({ to, price }) => show(`${to}: ${price}`));
}
