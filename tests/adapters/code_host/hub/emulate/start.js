// Starts the emulator's GitHub on the port that is given, and says so once it listens.
import { Server } from "node:net";
import { createEmulator } from "emulate";

// This version would listen on all interfaces.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port) {
  return listen.call(this, port, "127.0.0.1", () => console.log("listening"));
};
const key = process.env.EMULATE_APP_KEY;
await createEmulator({
  service: "github",
  port: Number(process.argv[2]),
  seed: {
    tokens: { [process.env.EMULATE_TOKEN]: { login: "lab", scopes: ["repo", "user"] } },
    github: {
      users: [{ login: "lab" }],
      repos: [{ owner: "lab", name: "first" }],
      apps: key
        ? [{
            app_id: 7,
            slug: "prompt-lab",
            name: "Prompt Lab",
            private_key: key,
            permissions: { contents: "write", pull_requests: "write", statuses: "write" },
            installations: [{ installation_id: 70, account: "lab" }],
          }]
        : [],
    },
  },
});
