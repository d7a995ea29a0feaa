import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useRoom, useRoomClient } from "../../../src/react/index.ts";

const room = new URLSearchParams(location.search).get("room");

function Count() {
  const { client, status } = useRoomClient({ room, storage: "session" });
  const count = useRoom(client, (state) => state.count);
  return createElement("b", null, `${status} ${count} `);
}
const root = createRoot(document.querySelector("#out"));
root.render(createElement(StrictMode, null, createElement(Count), createElement(Count)));
