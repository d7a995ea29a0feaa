import type { Question } from "../app/inspector.ts";
import { RoomError } from "../protocol/errors.ts";
import { checkOperator, checkRight } from "./access.ts";
import { actionsOf } from "./actions.ts";
import { EVICTED } from "./objects.ts";
import type { InspectedRoom } from "./objects.ts";

type Answer = (question: Question) => unknown;

/** What can be asked of an object, by method and path. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  "GET /$inspect": inspect,
  "GET /$actions": actions,
  "GET /$rooms": rooms,
  "POST /$evict": evict,
};

/** Answers an operator; undefined if this is nothing of the inspector's. */
export function answer(question: Question): Promise<Response> | undefined {
  const key = `${question.method} ${question.target.path}`;
  return Object.hasOwn(ANSWERS, key) ? reply(ANSWERS[key] as Answer, question) : undefined;
}

async function reply(run: Answer, question: Question): Promise<Response> {
  return Response.json(await run(question), { headers: { "cache-control": "no-store" } });
}

function inspect({ auth, target: { party, room }, query, object }: Question): unknown {
  checkRight(auth, "inspect", party, room);
  const search = { field: query.get("field") ?? "", user: query.get("user") ?? "" };
  return (object as InspectedRoom).inspect(search);
}

function actions({ auth, target: { party, room }, find }: Question): unknown {
  checkRight(auth, "inspect", party, room);
  const found = find(party, room);
  if (!found) throw new RoomError("not_found", "There is no such path");
  return actionsOf(found.room);
}

function rooms({ auth, target: { party, room }, object }: Question): unknown {
  if (party !== "world") throw new RoomError("not_found", "There is no such path");
  checkOperator(auth, party, room);
  return (object as InspectedRoom).places();
}

/** The object ends before it can answer: that it did is the answer. */
async function evict({ auth, target: { party, room }, object }: Question): Promise<unknown> {
  checkRight(auth, "manage", party, room);
  try {
    await (object as InspectedRoom).evict();
  } catch (error) {
    if (!String(error).includes(EVICTED)) throw error;
  }
  return { success: true };
}
