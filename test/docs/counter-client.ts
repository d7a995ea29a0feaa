// src/page/main.ts
import { connectRoom } from "../../src/client/index.ts";
import type { Counter } from "./counter.ts";

const counter = connectRoom<Counter>({ host: location.host, room: "counter-1" });
counter.subscribe(({ count }) => (document.body.textContent = `${count} clicks`));
document.body.addEventListener("click", () => counter.emit("increment"));
