import { connectRoom, tabSession } from "durable-rooms/client";
import { createRoot } from "react-dom/client";
import type { boardRoom } from "../src/board-room";
import { App } from "./app";

if (!location.hash) location.hash = `board-${Math.random().toString(36).slice(2, 8)}`;
addEventListener("hashchange", () => location.reload());

// One connection for the page. It is created outside of React, so that it does not depend on components.
const board = connectRoom<typeof boardRoom>({ host: location.host, room: location.hash.slice(1), id: tabSession() });
createRoot(document.getElementById("root") as HTMLElement).render(<App board={board} />);
