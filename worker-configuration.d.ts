declare namespace Cloudflare {
  interface Env { ROOMS: DurableObjectNamespace; AUTH_JWT_SECRET: string }
  interface GlobalProps { mainModule: typeof import("./src/demo/worker.ts"); durableNamespaces: "RoomObject" }
}
