import type { RoomClient } from "durable-rooms/client";
import { useRoom } from "durable-rooms/react";
import { useEffect, useState } from "react";
import type { CSSProperties } from "react";
import type { lobby } from "../room";

/** A ring around somebody who cheers. */
interface Ring {
  readonly key: number;
  readonly publicId: string;
}

export function Visitors({ client }: { client: RoomClient<typeof lobby> | undefined }) {
  const visitors = useRoom(client, (state) => state.visitors) ?? {};
  const [rings, setRings] = useState<readonly Ring[]>([]);
  useEffect(() => {
    let key = 0;
    return client?.on("cheered", (publicId) => setRings((before) => [...before, { key: ++key, publicId }].slice(-20)));
  }, [client]);
  return (
    <div id="visitors" aria-hidden="true">
      {Object.entries(visitors)
        .filter(([, { online }]) => online)
        .map(([publicId, { name, x, y }]) => {
          const isMe = publicId === client?.publicId;
          const classes = ["visitor", isMe && "me", x > 0.5 && "flipped"].filter(Boolean).join(" ");
          const style = { left: `${x * 100}%`, top: `${y * 100}%`, "--hue": hueOf(publicId) } as CSSProperties;
          return (
            <div key={publicId} className={classes} style={style}>
              <span>{isMe ? `${name} (you)` : name}</span>
              {rings.map((ring) => ring.publicId === publicId && <i key={ring.key} />)}
            </div>
          );
        })}
    </div>
  );
}

/** The same colour for the same visitor, in every window. */
function hueOf(publicId: string): number {
  let sum = 0;
  for (const character of publicId) sum = (sum * 31 + character.charCodeAt(0)) % 65_521;
  return (sum * 137.5) % 360; // ids that are alike get colours that are not
}
