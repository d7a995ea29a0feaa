import { tabStorage } from "durable-rooms/client";
import type { CallError, RoomClient } from "durable-rooms/client";
import { useEffect } from "react";
import type { lobby } from "../room";

export function NameInput({ client }: { client: RoomClient<typeof lobby> | undefined }) {
  const stored = tabStorage.getItem("name") ?? "";
  // The room may have forgotten this visitor, so it gets the name again.
  useEffect(() => {
    if (client && stored !== "") client.emit("rename", stored);
  }, [client, stored]);
  const rename = async (input: HTMLInputElement) => {
    const refusal = await client?.call("rename", input.value).then(
      () => "",
      (error: CallError) => error.message,
    );
    input.setCustomValidity(refusal ?? "");
    input.reportValidity();
    if (refusal === "") tabStorage.setItem("name", input.value);
  };
  return (
    <label>
      You are{" "}
      <input
        id="name"
        maxLength={20}
        placeholder="Somebody"
        autoComplete="off"
        defaultValue={stored}
        onBlur={({ currentTarget }) => currentTarget.value !== "" && void rename(currentTarget)}
        onKeyDown={({ key, currentTarget }) => key === "Enter" && currentTarget.blur()}
      />
    </label>
  );
}
