import { tabStorage } from "durable-rooms/client";
import type { RoomClient } from "durable-rooms/client";
import { useRoom } from "durable-rooms/react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { PointerEvent } from "react";
import { COLOURS, HEIGHT, WIDTH } from "../src/board";
import type { Colour } from "../src/board";
import type { boardRoom } from "../src/board-room";
import { Pen } from "./pen";

export type Board = RoomClient<typeof boardRoom>;

const sameList = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((key, at) => key === b[at]);

export function App({ board }: { board: Board }) {
  const pen = useRef<Pen>(null);
  pen.current ??= new Pen(board);
  const [name, setName] = useState(() => tabStorage.getItem("name") ?? `Guest ${Math.ceil(Math.random() * 99)}`);
  const [colour, setColour] = useState<Colour>(
    () => COLOURS[1 + Math.floor(Math.random() * (COLOURS.length - 1))] ?? "blue",
  );
  const note = useNote(board);
  useEffect(() => {
    tabStorage.setItem("name", name);
    if (name.trim()) board.emit("join", { name, colour });
  }, [board, name, colour]);

  return (
    <>
      <header>
        <div className="tools" role="group" aria-label="Colour">
          {COLOURS.map((each) => (
            <button
              key={each}
              className="swatch"
              data-colour={each}
              aria-label={each}
              aria-pressed={each === colour}
              onClick={() => setColour(each)}
            />
          ))}
        </div>
        <button onClick={() => pen.current?.undo()}>Undo</button>
        <button onClick={() => board.emit("clear")}>Clear</button>
        <label>
          You are <input value={name} maxLength={20} onChange={(event) => setName(event.target.value)} />
        </label>
        <p role="status">{note}</p>
      </header>
      <Canvas board={board} pen={pen.current} />
    </>
  );
}

function Canvas({ board, pen }: { board: Board; pen: Pen }) {
  // Renders again when a stroke is added or removed, but not when one grows or a pointer moves.
  const strokes = useRoom(board, (state) => Object.keys(state.strokes).toSorted(), sameList) ?? [];
  const guests = useRoom(board, (state) => Object.keys(state.guests).toSorted(), sameList) ?? [];
  const positions = (event: PointerEvent<SVGSVGElement>) => {
    const all = event.nativeEvent.getCoalescedEvents?.() ?? [];
    return (all.length > 0 ? all : [event.nativeEvent]).map((each) => positionOf(each, event.currentTarget));
  };
  return (
    <svg
      id="board"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pen.down(positionOf(event.nativeEvent, event.currentTarget));
      }}
      onPointerMove={(event) => pen.move(positions(event))}
      onPointerUp={() => pen.up()}
      onPointerCancel={() => pen.up()}
      onPointerLeave={() => pen.leave()}
    >
      <rect className="paper" width={WIDTH} height={HEIGHT} rx="16" />
      {strokes.map((key) => (
        <Stroke key={key} board={board} id={key} />
      ))}
      {guests.map((id) => (
        <Cursor key={id} board={board} id={id} />
      ))}
    </svg>
  );
}

/** The position of a pointer on the board, independent of the size of the board on the screen. */
function positionOf({ clientX, clientY }: { clientX: number; clientY: number }, svg: SVGSVGElement) {
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM()?.inverse());
  const within = (value: number, most: number) => Math.round(Math.min(Math.max(value, 0), most));
  return { x: within(x, WIDTH), y: within(y, HEIGHT) };
}

function Stroke({ board, id }: { board: Board; id: string }) {
  const stroke = useRoom(board, (state) => state.strokes[id]);
  if (!stroke) return null;
  const [x = 0, y = 0] = stroke.points;
  // A line from a point to itself is drawn as a dot.
  return <polyline className="stroke" data-colour={stroke.colour} points={`${x} ${y} ${stroke.points.join(" ")}`} />;
}

function Cursor({ board, id }: { board: Board; id: string }) {
  const guest = useRoom(board, (state) => state.guests[id]);
  if (!guest?.cursor || !guest.online || id === board.publicId) return null;
  const { x, y } = guest.cursor;
  return (
    <g className="cursor" data-colour={guest.colour} style={{ transform: `translate(${x}px, ${y}px)` }}>
      <path d="M0 0 L0 34 L9 26 L15 40 L21 37 L15 24 L27 24 Z" />
      <text x="26" y="52">
        {guest.name}
      </text>
    </g>
  );
}

/** The message about the connection. */
function useNote(board: Board): string {
  const status = useSyncExternalStore(
    (changed) => board.on("status", changed),
    () => board.status,
  );
  const [reason, setReason] = useState("");
  useEffect(() => board.on("closed", (closed) => setReason(closed.reason)), [board]);
  return status === "open" ? "" : status === "closed" ? reason : "Connecting …";
}
