/** Runs in the outside's network for outside.ts: VALIDATOR ADDRESS PORT DIRECTORY. Tells what happens by lines of JSON. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { startGenerationEndpoint } from "@turntable/generation";
import { type Miner, miners, type Told } from "./outside.ts";

const [validator = "", host = "", port = "", directory = ""] = process.argv.slice(2);
const netuid = 17;
const tell = (told: Told): void => console.log(JSON.stringify(told));

await ready();
await using stack = new AsyncDisposableStack();
const chain = stack.use(createLocalChain({ blockMs: 1_000, subnets: [{ netuid }] }));
chain.register({ netuid, hotkey: validator, stakeTao: 10_000 });
for (const uri of miners) {
  chain.register({ netuid, hotkey: keypairFromUri(uri).ss58 });
}
const node = stack.use(await startLocalNode({ chain, host, port: Number(port) }));
const generator = stack.use(await startGenerationEndpoint({ host: "127.0.0.1", port: 0 }));
tell({ kind: "chain" });

const command = join(import.meta.dirname, "../../../workers/miner/bin/turntable-miner");
function mine(uri: Miner): void {
  const argv = [
    ...["--hotkey-uri", uri, "--data-dir", join(directory, `miner-${uri.slice(2)}`)],
    ...["--chain-endpoints", node.url, "--chain-sync-ms", "1000", "--failure-cooldown-ms", "1000"],
    ...["--generate-url", generator.url, "--http-port", "0"],
  ];
  const miner = spawn(command, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => miner.once("exit", resolve));
  stack.defer(async () => {
    miner.kill();
    await ended;
  });
  createInterface({ input: miner.stdout }).on("line", (line) => {
    const told = JSON.parse(line) as { readonly msg: string; readonly outcome?: string };
    if (told.msg === "task done") {
      tell({ kind: "task", miner: uri, outcome: told.outcome ?? "" });
    }
  });
}

let announced = "";
const watching = setInterval(() => {
  void chain.metagraph(netuid).then(({ neurons }) => {
    const axon = neurons.find(({ hotkey }) => hotkey === validator)?.axon;
    const now = JSON.stringify(axon);
    if (axon !== undefined && now !== announced) {
      announced = now;
      tell({ kind: "axon", ip: axon.ip, port: axon.port });
    }
  });
}, 500);
stack.defer(() => clearInterval(watching));

// Whoever started it holds the other end, and names miners.
for await (const line of createInterface({ input: process.stdin })) {
  mine(line as Miner);
}
