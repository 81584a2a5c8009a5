/**
 * `npm start -- --chain-port` as a user starts it, and the Python SDKs on it as they are: they find their subnet, announce
 * an axon and set weights. Needs the environments of interop, so it runs by hand: `npm run test:neurons`.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import {
  createMnemonic,
  keyFileText,
  keypairFromMnemonic,
  publicKeyFileText,
  ready,
} from "@turntable/bittensor/keys";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import { z } from "zod";
import { ensureEnvironment, sdkVersions } from "../interop/environments.ts";

await ready();

const root = new URL("../..", import.meta.url).pathname;
const netuid = 17;
const run = promisify(execFile);
/** An SDK takes seconds to be imported, and waits for blocks. */
const dayMs = 180_000;
/** Blocks; what `--rules local` asks for. */
const rateLimit = 10;

const dayShape = z.object({
  uid: z.number(),
  hotkeys: z.array(z.string()),
  rate_limit: z.number(),
  min_allowed_weights: z.number(),
  served: z.string(),
  weighed: z.string(),
  weights: z.array(z.tuple([z.number(), z.number()])).optional(),
  stakes: z.array(z.number()).optional(),
  permits: z.array(z.boolean()).optional(),
  axons: z.array(z.tuple([z.string(), z.number()])).optional(),
  price: z.number().optional(),
  subnets: z.array(z.number()).optional(),
  /** By SDK 11, which reads fractions. */
  shares: z.array(z.tuple([z.number(), z.number()])).optional(),
});

/** A wallet as the SDKs keep them: an open coldkey and a hotkey. */
async function makeWallet(wallets: string, name: string): Promise<string> {
  const mnemonics = { cold: createMnemonic(), hot: createMnemonic() };
  const folder = join(wallets, name);
  await mkdir(join(folder, "hotkeys"), { recursive: true });
  const mode = 0o600;
  const cold = keypairFromMnemonic(mnemonics.cold);
  await writeFile(join(folder, "hotkeys", "default"), keyFileText(mnemonics.hot), { mode });
  await writeFile(join(folder, "coldkey"), keyFileText(mnemonics.cold), { mode });
  await writeFile(join(folder, "coldkeypub.txt"), publicKeyFileText(cold.publicKey), { mode });
  return keypairFromMnemonic(mnemonics.hot).ss58;
}

/** `npm start` with these hotkeys registered and staked, past the rate limit for their first weights. */
async function startSubnet(dir: string, hotkeys: readonly string[], ...flags: readonly string[]) {
  const registered = hotkeys.flatMap((hotkey) => ["--register", `${hotkey}:5000`]);
  const ports = ["--axon-port", "--grpc-port", "--http-port", "--chain-port"].flatMap((port) => [
    port,
    "0",
  ]);
  const npm = spawn(
    "npm",
    ["start", "--", "--dir", dir, "--prompt", "", ...registered, ...ports, ...flags],
    { cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  );
  const closed = once(npm, "close");
  let output = "";
  const up = Promise.withResolvers<void>();
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += String(chunk);
      if (output.includes("folder ")) {
        up.resolve();
      }
    });
  }
  await Promise.race([up.promise, closed.then(() => assert.fail(`it ended:\n${output}`))]);
  const addresses: unknown = JSON.parse(await readFile(join(dir, "addresses.json"), "utf8"));
  const { chain: url } = z.object({ chain: z.string() }).parse(addresses);
  {
    await using chain = await connectSubtensor({ endpoints: [url] });
    for await (const block of chain.blocks()) {
      if (block > rateLimit + 1) {
        break;
      }
    }
  }
  return {
    url,
    output: () => output,
    async [Symbol.asyncDispose]() {
      npm.kill("SIGTERM");
      await closed;
    },
  };
}

async function spendDay(
  python: string,
  command: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { stdout } = await run(
    python,
    [join(import.meta.dirname, "neuron.py"), JSON.stringify({ netuid, ...command })],
    {
      timeout: dayMs,
      maxBuffer: 1 << 24,
      // The SDKs' own settings and logs stay away from the user's
      env: {
        PATH: process.env.PATH ?? "",
        HOME: String(command.wallets),
        PYTHONWARNINGS: "ignore",
        NO_COLOR: "1",
      },
    },
  );
  return JSON.parse(stdout);
}

describe("npm start -- --chain-port", () => {
  let dir: string;
  let subnet: Awaited<ReturnType<typeof startSubnet>>;
  const hotkeys = new Map<string, string>();

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "turntable-neurons-"));
    for (const version of sdkVersions) {
      hotkeys.set(version, await makeWallet(join(dir, version), "default"));
    }
    subnet = await startSubnet(dir, Array.from(hotkeys.values()));
  });
  after(async () => {
    await subnet?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  for (const [index, version] of sdkVersions.entries()) {
    it(`a validator with SDK ${version} looks around, announces its axon and sets weights`, async (t) => {
      const environment = await ensureEnvironment(version);
      if (environment.kind === "missing") {
        return t.skip(`bittensor ${version}: ${environment.reason}`);
      }
      const wallets = join(dir, version);
      const hotkey = hotkeys.get(version) ?? "";
      // SDK 6 asks at the terminal before it registers, and 11 has another way
      const newcomer = /^(6|11)\./.test(version) ? "" : "newcomer";
      const joined = newcomer === "" ? undefined : await makeWallet(wallets, newcomer);
      const port = 9000 + index;
      const weights = [
        [0, 0.5],
        [1, 0.25],
        [2, 0.25],
      ];
      const day = dayShape.parse(
        await spendDay(environment.python, {
          ...{ url: subnet.url, wallets, hotkey, newcomer },
          ...{ ip: "127.0.0.1", port, weights },
        }),
      );
      // The validator and the miner of the subnet itself come first
      const uid = index + 2;
      assert.equal(day.uid, uid);
      assert.equal(day.hotkeys[uid], hotkey);
      assert.equal(day.rate_limit, rateLimit);
      assert.equal(day.min_allowed_weights, 1);
      assert.equal(day.stakes?.[uid] ?? 5000, 5000);
      assert.equal(day.permits?.[uid] ?? true, true);
      assert.equal(day.price ?? 1, 1);
      assert.deepEqual(day.subnets ?? [netuid], [netuid]);
      const upscaled = weights.map(([target, weight = 0]) => [target, Math.round(weight * 131070)]);
      if (day.shares === undefined) {
        assert.deepEqual(day.weights, upscaled, day.weighed);
      }
      for (const [place, [target, share = 0]] of (day.shares ?? []).entries()) {
        assert.equal(target, weights[place]?.[0]);
        assert.ok(Math.abs(share - (weights[place]?.[1] ?? 0)) < 1e-4, day.weighed);
      }
      await using chain = await connectSubtensor({ endpoints: [subnet.url] });
      const { neurons } = await chain.metagraph(netuid);
      assert.deepEqual(neurons[uid]?.axon, { ip: "127.0.0.1", port }, day.served);
      assert.ok((neurons[uid]?.lastUpdate ?? 0) > rateLimit, day.weighed);
      // Miners find the coordinator here
      assert.equal(neurons[0]?.axon?.ip, "127.0.0.1");
      if (joined !== undefined) {
        assert.ok(neurons.some((neuron) => neuron.hotkey === joined));
      }
    });
  }

  it("with --commit-reveal tells that an SDK's weights will be lost", async (t) => {
    const environment = await ensureEnvironment("9.12.2");
    if (environment.kind === "missing") {
      return t.skip(environment.reason);
    }
    const place = join(dir, "commits");
    const hotkey = await makeWallet(place, "default");
    await using committing = await startSubnet(place, [hotkey], "--commit-reveal");
    await spendDay(environment.python, {
      ...{ url: committing.url, wallets: place, hotkey, weights: [[0, 1]], only_weights: true },
    });
    assert.match(
      committing.output(),
      new RegExp(`weights that ${hotkey} committed will be lost at the epoch: .*quicknet`),
    );
  });
});
