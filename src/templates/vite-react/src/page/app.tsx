import type { RoomClient } from "durable-rooms/client";
import { tabSession } from "durable-rooms/client";
import { useRoom, useRoomClient } from "durable-rooms/react";
import { useRef } from "react";
import type { PointerEvent } from "react";
import type { lobby } from "../room";
import { NameInput } from "./name-input";
import { Visitors } from "./visitors";

// It is private: whoever has it is this visitor. It stays through a reload.
const id = tabSession();

export function App({ room }: { room: string }) {
  const { client, status } = useRoomClient<typeof lobby>({ room, id });
  const cheers = useRoom(client, (state) => state.cheers) ?? 0;
  const online = useRoom(client, (state) => Object.values(state.visitors).filter((visitor) => visitor.online).length);
  const move = useMove(client);
  return (
    <>
      <header>
        <h1>my-app</h1>
        <p id="status" role="status" className={status}>
          {status === "open" ? `${online ?? 0} here` : "Connecting …"}
        </p>
        <NameInput client={client} />
      </header>
      <main id="stage" onPointerDown={move} onPointerMove={move}>
        <section>
          <p>Cheers</p>
          <output id="cheers">{cheers}</output>
        </section>
        <Visitors client={client} />
      </main>
      <footer>
        <button id="cheer" type="button" disabled={status !== "open"} onClick={() => client?.emit("cheer")}>
          Cheer
        </button>
        <p>
          Open this page{" "}
          <a href="" target="_blank">
            once more
          </a>
          , and move in both windows.
        </p>
      </footer>
    </>
  );
}

/** Tells the room where the pointer is, at most 20 times in a second, and where it is by then. */
function useMove(client: RoomClient<typeof lobby> | undefined) {
  const next = useRef<{ x: number; y: number }>(undefined);
  return ({ currentTarget, clientX, clientY }: PointerEvent) => {
    if (!next.current) {
      setTimeout(() => {
        if (next.current && client?.status === "open") client.emit("move", next.current);
        next.current = undefined;
      }, 50);
    }
    const { left, top, width, height } = currentTarget.getBoundingClientRect();
    next.current = { x: inside((clientX - left) / width), y: inside((clientY - top) / height) };
  };
}

function inside(part: number): number {
  return Math.min(Math.max(part, 0), 1);
}
