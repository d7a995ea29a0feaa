import { connectRoom } from "../../src/client/index.ts";
import type { table } from "./guide-join.ts";

const where = { host: location.host, room: "table-7" };
connectRoom<typeof table>({ ...where, params: { name: "Ada", code: "7" } });
connectRoom<typeof table>({ ...where, params: () => ({ name: nameField.value, code: "7" }) });
connectRoom<typeof table>({ ...where, spectator: true });

declare const nameField: { readonly value: string };
