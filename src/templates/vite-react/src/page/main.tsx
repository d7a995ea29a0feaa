import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./style.css";

// ?room=2 opens another room.
const room = `lobby-${new URLSearchParams(location.search).get("room") ?? "1"}`;

createRoot(document.body).render(
  <StrictMode>
    <App room={room} />
  </StrictMode>,
);
