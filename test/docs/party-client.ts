// client.ts, in the browser
import { connectRoom } from "../../src/client/index.ts";
import type { party } from "./party.ts";

const client = connectRoom<typeof party>({ host: location.host, room: "party-1" });
client.on("cheered", ({ by, at }) => console.log(by, at.slice(0, 10))); // a Date comes as text
client.on("bell", () => console.log("ding"));
