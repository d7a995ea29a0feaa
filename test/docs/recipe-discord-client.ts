/** The part of `DiscordSDK` that this needs. */
interface Sdk {
  readonly instanceId: string;
  readonly commands: {
    authorize(options: { client_id: string; response_type: "code"; scope: ["identify"] }): Promise<{ code: string }>;
  };
}

/**
 * What `connectRoom<typeof activity>(…)` takes.
 * @param sdk `new DiscordSDK(clientId)`, after `await sdk.ready()`
 */
export async function whereToPlay(sdk: Sdk, clientId: string) {
  const { code } = await sdk.commands.authorize({ client_id: clientId, response_type: "code", scope: ["identify"] });
  const response = await fetch("/token", { method: "POST", body: JSON.stringify({ code }) });
  const { token } = await response.json<{ token: string }>();
  // All who play together have the same instance. The page's own host leads through Discord's proxy.
  return { host: location.host, room: `activity-${sdk.instanceId}`, token };
}
