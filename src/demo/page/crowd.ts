import { connectRoom, tabSession } from "../../client/index.ts";
import type { crowdRoom } from "../crowd-room.ts";
import { MAP, SIGHT } from "../crowd-rules.ts";
import { byId, write } from "./dom.ts";

const BEAT = 60;
const KEYS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Place {
  readonly x: number;
  readonly y: number;
}

const canvas = byId<HTMLCanvasElement>("map");
const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
/** What is shown of the map: on a phone it is higher than wide. */
const [WIDTH, HEIGHT] = matchMedia("(orientation: portrait)").matches ? [480, 560] : [720, 480];
[canvas.width, canvas.height] = [WIDTH * devicePixelRatio, HEIGHT * devicePixelRatio];
const room = `crowd-${location.hash.slice(1) || "forest"}`;
const client = connectRoom<typeof crowdRoom>({ host: location.host, room, id: tabSession() });
/** All of whom the page was ever told. */
const met = new Set<string>();

client.on("status", (status) => write(byId("status"), status === "open" ? "Online" : status));
client.subscribe(({ bots = {}, walkers = {}, total }) => {
  const known = [...Object.keys(bots), ...Object.keys(walkers)];
  for (const key of known) met.add(key);
  write(byId("known"), String(known.length));
  write(byId("met"), String(met.size));
  write(byId("total"), String(total));
  const me = walkers[client.publicId ?? ""];
  // For who looks at the page from outside, as its tests do.
  if (me) Object.assign(canvas.dataset, { x: me.x, y: me.y });
  if (me) draw(me, Object.values(bots), Object.values(walkers));
});

/** The part of the map around the walker. */
function draw(me: Place, bots: readonly Place[], walkers: readonly Place[]): void {
  const ratio = devicePixelRatio;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  fill("#274d3f", () => pen.rect(0, 0, WIDTH, HEIGHT));
  pen.translate(WIDTH / 2 - me.x, HEIGHT / 2 - me.y);
  fill("#3d7a5f", () => pen.rect(0, 0, MAP, MAP));
  fill("#5fae86", () => pen.arc(me.x, me.y, SIGHT, 0, 7));
  for (const { x, y } of bots) fill("#f5c14a", () => pen.arc(x, y, 5, 0, 7));
  for (const { x, y } of walkers) fill("#3d9be0", () => pen.arc(x, y, 7, 0, 7));
  fill("#f2674f", () => pen.arc(me.x, me.y, 7, 0, 7));
}

function fill(colour: string, shape: () => void): void {
  pen.fillStyle = colour;
  pen.beginPath();
  shape();
  pen.fill();
}

const held = new Set<string>();
window.addEventListener("keydown", (event) => {
  if (!KEYS[event.code]) return;
  event.preventDefault();
  held.add(event.code);
});
window.addEventListener("keyup", ({ code }) => held.delete(code));
window.addEventListener("blur", () => held.clear());

/** Where a finger or the mouse is held, seen from the walker, who is in the middle. */
let pointed: Place | undefined;
function point({ clientX, clientY, buttons }: PointerEvent): void {
  if (buttons === 0) return;
  const { left, top, width, height } = canvas.getBoundingClientRect();
  pointed = { x: clientX - left - width / 2, y: clientY - top - height / 2 };
}
canvas.addEventListener("pointerdown", point);
canvas.addEventListener("pointermove", point);
for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => (pointed = undefined));

/** One of eight directions. */
function towards({ x, y }: Place): [dx: number, dy: number] {
  const [right, down] = [Math.abs(x), Math.abs(y)];
  return [right > down / 2 ? Math.sign(x) : 0, down > right / 2 ? Math.sign(y) : 0];
}

setInterval(() => {
  let [dx, dy] = pointed ? towards(pointed) : [0, 0];
  for (const code of pointed ? [] : held) {
    const [right, down] = KEYS[code] ?? [0, 0];
    dx += right;
    dy += down;
  }
  if (client.status === "open" && (dx !== 0 || dy !== 0)) client.emit("move", { dx, dy });
}, BEAT);
