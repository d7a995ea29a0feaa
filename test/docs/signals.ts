import { effect } from "@signe/reactive";
import { roomSignal } from "../../src/frameworks/signals.ts";
import { game } from "./game.ts";

const status = roomSignal(game, (state) => state.status);
effect(() => console.log(status()));
