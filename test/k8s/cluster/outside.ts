/**
 * The world outside the cluster, in a network of its own that reaches the node's external address and nothing else: a
 * chain, which pods reach as they would reach the public one, and miners that find the validator there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The network that the node agent makes, and its only machine's address. */
export const outsideNetwork = "local-0_outside";
export const outsideAddress = "192.88.99.1";
/** Of the node, where NodePorts and load balancers answer. */
export const externalAddress = "192.88.99.10";
const chainPort = 9944;
export const chainUrl = `ws://${outsideAddress}:${chainPort}`;

/** What chain and miners tell. */
export type Told =
  | { readonly kind: "chain" }
  /** The validator has announced itself. */
  | { readonly kind: "axon"; readonly ip: string; readonly port: number }
  /** A task of a miner's has ended. */
  | { readonly kind: "task"; readonly miner: Miner; readonly outcome: string };

/** Development keys, all registered. Rules let one miner do a task in a while only, so there are several. */
export const miners = ["//Bob", "//Charlie", "//Dave"] as const;
export type Miner = (typeof miners)[number];

export interface Outside extends AsyncDisposable {
  readonly told: readonly Told[];
  /** Starts a miner. */
  mine(miner: Miner): void;
}

/** @param validator ss58 of the hotkey, which is registered with a stake */
export async function startOutside(validator: string, directory: string): Promise<Outside> {
  const main = join(import.meta.dirname, "outside-main.ts");
  const argv = [main, validator, outsideAddress, String(chainPort), directory];
  const child = spawn("ip", ["netns", "exec", outsideNetwork, process.execPath, ...argv], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const told: Told[] = [];
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the outside ended with ${code}`)));
    lines.on("line", (line) => {
      told.push(JSON.parse(line) as Told);
      resolve(); // the chain comes first
    });
  });
  return {
    told,
    mine: (miner) => child.stdin.write(`${miner}\n`),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** It ends with its standard input, so that it is never left behind. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.stdin?.end();
    await once(child, "exit");
  }
}
