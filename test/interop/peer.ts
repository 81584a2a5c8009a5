/** A Python process with a real SDK in it, spoken to in JSON lines. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isJsonObject, type Json, parseJson, stringifyJson } from "@turntable/bittensor/synapse";
import type { Environment } from "./environments.ts";

export interface Peer extends AsyncDisposable {
  /** @throws Error with Python's traceback */
  ask(command: { readonly [name: string]: Json }): Promise<Json>;
}

export async function startPeer(
  environment: Environment & { readonly kind: "ready" },
): Promise<Peer> {
  const home = await mkdtemp(join(tmpdir(), "interop-"));
  const child = spawn(environment.python, ["-u", join(import.meta.dirname, "peer.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      // Wallets and logs of the SDK stay away from the user's
      HOME: home,
      PYTHONDONTWRITEBYTECODE: "1",
      PYTHONWARNINGS: "ignore",
      NO_COLOR: "1",
    },
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-20_000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(command) {
      child.stdin.write(`${stringifyJson(command)}\n`);
      const { value, done } = await lines.next();
      if (done === true) {
        throw new Error(`the Python process ended: ${complaints}`);
      }
      const answer = parseJson(String(value));
      if (!isJsonObject(answer) || answer.ok === undefined) {
        throw new Error(isJsonObject(answer) ? String(answer.error) : String(value));
      }
      return answer.ok;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) {
        return;
      }
      const closed = once(child, "close");
      child.stdin.end();
      await closed;
    },
  };
}
