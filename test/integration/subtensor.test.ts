/** The chain client against the local node: real SCALE bytes over a WebSocket, the public chain's metadata. */
import assert from "node:assert/strict";
import { on, once } from "node:events";
import { before, describe, it } from "node:test";
import { bls12_381 as bls } from "@noble/curves/bls12-381.js";
import {
  type Chain,
  type ChainOutcome,
  createLocalChain,
  type LocalChain,
} from "@turntable/bittensor/chain";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import {
  type LocalNode,
  type LocalNodeOptions,
  moveErrors,
  readRecordedRuntime,
  startLocalNode,
} from "@turntable/bittensor/local-node";
import { connectSubtensor, type SubtensorOptions } from "@turntable/bittensor/subtensor";
import { decodePayload, decryptWithSignature, roundPoint } from "@turntable/bittensor/timelock";

before(ready);

const netuid = 17;

interface Rig extends AsyncDisposable {
  readonly local: LocalChain;
  readonly localNode: LocalNode;
  readonly chain: Chain;
  readonly validator: Keypair;
  weigh(weights?: Readonly<Record<number, number>>, versionKey?: number): Promise<ChainOutcome>;
}

interface RigOptions {
  readonly localNode?: Partial<LocalNodeOptions>;
  readonly client?: Partial<SubtensorOptions>;
  readonly hyperparameters?: NonNullable<Parameters<typeof createLocalChain>[0]>["subnets"] extends
    | readonly (infer S)[]
    | undefined
    ? S extends { readonly hyperparameters?: infer H }
      ? H
      : never
    : never;
  readonly neurons?: number;
}

/** Blocks of 20 ms, so that inclusion needs no help. */
async function startRig({
  localNode = {},
  client = {},
  hyperparameters = {},
  neurons = 3,
}: RigOptions = {}): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const local = stack.use(
    createLocalChain({ blockMs: 20, subnets: [{ netuid, hyperparameters }] }),
  );
  const validator = keypairFromUri("//Bob");
  local.register({ netuid, hotkey: validator.ss58, stakeTao: 5000 });
  for (let index = 1; index < neurons; index += 1) {
    local.register({ netuid, hotkey: keypairFromUri(`//Miner${index}`).ss58, stakeTao: index / 4 });
  }
  local.advance(100);
  const running = stack.use(await startLocalNode({ chain: local, ...localNode }));
  const chain = stack.use(
    await connectSubtensor({ endpoints: [running.url], inclusionTimeoutMs: 5000, ...client }),
  );
  const owned = stack.move();
  return {
    local,
    localNode: running,
    chain,
    validator,
    weigh: (weights = { 1: 65535, 2: 100 }, versionKey = 0) =>
      chain.setWeights({
        netuid,
        hotkey: validator,
        versionKey,
        weights: Object.entries(weights).map(([uid, weight]) => ({ uid: Number(uid), weight })),
      }),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

const nameOf = (outcome: ChainOutcome): string =>
  outcome.kind === "refused" ? outcome.name : outcome.kind;

/** The same runtime with other numbers for all errors, as upgrades bring them. */
const upgradedRuntime = () => ({ latest: moveErrors(readRecordedRuntime().latest, 7) });

describe("a validator on the simulated chain", () => {
  it("finds itself, its subnet and 256 neurons", async () => {
    await using rig = await startRig({ neurons: 256 });
    assert.equal(await rig.chain.uidOf(netuid, rig.validator.ss58), 0);
    assert.equal(await rig.chain.uidOf(netuid, keypairFromUri("//Eve").ss58), undefined);
    const ours = await rig.local.metagraph(netuid);
    const theirs = await rig.chain.metagraph(netuid);
    assert.deepEqual(theirs.neurons, ours.neurons);
    const known = await rig.local.hyperparameters(netuid);
    const read = await rig.chain.hyperparameters(netuid);
    for (const [name, value] of Object.entries(read)) {
      assert.equal(value, known[name as keyof typeof known], name);
    }
    await assert.rejects(rig.chain.metagraph(3), /no subnet 3/);
    await assert.rejects(rig.chain.hyperparameters(3), /no subnet 3/);
  });

  it("hears of new blocks", async () => {
    await using rig = await startRig();
    let last = 0;
    let heard = 0;
    for await (const block of rig.chain.blocks()) {
      assert.ok(block > last);
      last = block;
      heard += 1;
      if (heard === 3) {
        break;
      }
    }
  });

  it("announces its axon once, at an address that others can reach", async () => {
    await using rig = await startRig();
    const serve = async (ip: string) =>
      nameOf(
        await rig.chain.serveAxon({ netuid, hotkey: rig.validator, address: { ip, port: 8091 } }),
      );
    assert.equal(await serve("127.0.0.1"), "InvalidIpAddress");
    assert.equal(await serve("192.168.1.10"), "included"); // a private chain
    assert.equal(await serve("192.168.1.10"), "unchanged");
    const { neurons } = await rig.chain.metagraph(netuid);
    assert.deepEqual(neurons[0]?.axon, { ip: "192.168.1.10", port: 8091 });
  });

  it("sets weights, and not again before the rate limit allows", async () => {
    await using rig = await startRig({ hyperparameters: { weightsRateLimit: 50 } });
    assert.equal(nameOf(await rig.weigh()), "included");
    assert.deepEqual(Array.from(rig.local.weightsOf(netuid, 0)), [
      [1, 65535],
      [2, 100],
    ]);
    const again = await rig.weigh();
    assert.ok(again.kind === "refused" && again.name === "SettingWeightsTooFast");
    assert.match(again.message, /blocks ago; the subnet asks for 50/);
  });

  it("is told the chain's errors by name, from the metadata", async () => {
    await using rig = await startRig({
      hyperparameters: { weightsVersion: 9, weightsRateLimit: 0 },
    });
    const wrongKey = await rig.weigh({ 1: 1 }, 8);
    assert.ok(wrongKey.kind === "refused" && wrongKey.name === "IncorrectWeightVersionKey");
    assert.match(wrongKey.message, /version key is below/);
    rig.localNode.failNext({ kind: "dispatch", error: "NeuronNoValidatorPermit" });
    assert.equal(nameOf(await rig.weigh({ 1: 1 }, 9)), "NeuronNoValidatorPermit");
    const stranger = keypairFromUri("//Eve");
    assert.equal(
      nameOf(await rig.chain.setWeights({ netuid, hotkey: stranger, weights: [], versionKey: 9 })),
      "HotKeyNotRegisteredInSubNet",
    );
  });

  it("is told the pool's errors, and tries again where that helps", async () => {
    await using rig = await startRig();
    rig.localNode.failNext({ kind: "pool", code: 1010, data: "Custom error: 6" });
    assert.equal(nameOf(await rig.weigh()), "RateLimitExceeded");
    rig.localNode.failNext({ kind: "pool", code: 1014, data: "too low priority" });
    rig.localNode.failNext({ kind: "pool", code: 1010, data: "Transaction is outdated" });
    assert.equal(nameOf(await rig.weigh()), "included");
    assert.equal(rig.localNode.included.length, 1);
  });

  it("asks the chain when the connection breaks between sending and inclusion", async () => {
    await using rig = await startRig({ client: { inclusionTimeoutMs: 10_000 } });
    rig.localNode.failNext({ kind: "cut" });
    const outcome = await rig.weigh();
    assert.equal(outcome.kind, "included");
    assert.equal(rig.localNode.included.length, 1);
  });

  it("says that it does not know when no block takes the call", async () => {
    await using rig = await startRig({ client: { inclusionTimeoutMs: 300 } });
    rig.localNode.failNext({ kind: "stall" });
    const outcome = await rig.weigh();
    assert.ok(outcome.kind === "unknown");
    assert.match(outcome.message, /within 0\.3 seconds/);
  });

  it("goes on through a runtime upgrade that moves every number", async () => {
    await using rig = await startRig({
      hyperparameters: { weightsRateLimit: 0, weightsVersion: 9 },
    });
    assert.equal(nameOf(await rig.weigh({ 1: 1 }, 9)), "included");
    rig.localNode.upgrade(321, upgradedRuntime());
    let upgraded = 0;
    for await (const _ of rig.chain.blocks()) {
      if (++upgraded === 5) {
        break;
      }
    }
    const outcome = await rig.weigh({ 1: 1 }, 8);
    assert.equal(nameOf(outcome), "IncorrectWeightVersionKey");
    assert.equal(nameOf(await rig.weigh({ 2: 1 }, 9)), "included");
  });

  it("signs anew when an upgrade comes between signing and sending", async () => {
    await using rig = await startRig({
      hyperparameters: { weightsRateLimit: 0, weightsVersion: 9 },
    });
    const metadata = upgradedRuntime();
    rig.localNode.failNext({ kind: "upgrade", specVersion: 321, metadata });
    assert.equal(nameOf(await rig.weigh({ 1: 1 }, 9)), "included");
    assert.equal(rig.localNode.included.length, 1);
  });

  it("does not send again what waits in the pool already", async () => {
    await using rig = await startRig({ client: { inclusionTimeoutMs: 300 } });
    rig.localNode.failNext({ kind: "pool", code: 1013, data: "" });
    const outcome = await rig.weigh();
    assert.ok(outcome.kind === "unknown");
    assert.match(outcome.message, /in the node's pool already/);
    assert.equal(rig.localNode.included.length, 0);
  });

  it("moves to the next endpoint when one does not answer", async () => {
    await using rig = await startRig();
    await using other = await connectSubtensor({
      endpoints: ["ws://127.0.0.1:1", rig.localNode.url],
    });
    assert.equal(await other.uidOf(netuid, rig.validator.ss58), 0);
    await assert.rejects(
      connectSubtensor({ endpoints: ["ws://127.0.0.1:1"], connectTimeoutMs: 200 }),
      /no chain answers at ws:\/\/127\.0\.0\.1:1/,
    );
    await assert.rejects(connectSubtensor({ endpoints: ["nowhere"] }), /neither a ws/);
  });
});

describe("the simulated node", () => {
  it("answers what is no JSON-RPC, and stays up", async () => {
    await using rig = await startRig();
    const socket = new WebSocket(rig.localNode.url);
    const answers = on(socket, "message");
    await once(socket, "open");
    const ask = async (text: string): Promise<{ error?: { code: number }; result?: unknown }> => {
      socket.send(text);
      const { value } = await answers.next();
      return JSON.parse(value?.[0].data);
    };
    assert.equal((await ask("{")).error?.code, -32_700);
    assert.equal((await ask("[]")).error?.code, -32_600);
    assert.equal((await ask('{"id":1,"method":"toString"}')).error?.code, -32_601);
    assert.equal((await ask('{"id":"rx1","method":"system_chain"}')).result, "Bittensor");
    socket.close();
  });
});

describe("committed weights", () => {
  it("of another version than the chain's are not sent, since it would drop them silently", async () => {
    await using rig = await startRig({
      hyperparameters: { commitRevealEnabled: true, commitRevealVersion: 5 },
    });
    const outcome = await rig.weigh();
    assert.ok(outcome.kind === "refused" && outcome.name === "IncorrectCommitRevealVersion");
    assert.match(outcome.message, /expects commits of version 5/);
    assert.equal(rig.localNode.included.length, 0);
  });

  it("open with the round's signature to what was meant", async () => {
    const masterScalar = 0x1234567890abcdefn;
    const beaconPublicKey = bls.G2.Point.BASE.multiply(masterScalar).toBytes(true);
    await using rig = await startRig({
      hyperparameters: { commitRevealEnabled: true, tempo: 360 },
      client: { beaconPublicKey, blockTimeS: 12 },
    });
    const outcome = await rig.weigh({ 1: 65535, 2: 7 }, 3);
    assert.ok(outcome.kind === "included" && outcome.revealRound !== undefined);
    const [commit] = rig.local.ledger.subnets.get(netuid)?.commits ?? [];
    assert.ok(commit !== undefined);
    assert.equal(commit.revealRound, outcome.revealRound);
    const signature = roundPoint(commit.revealRound).multiply(masterScalar).toBytes(true);
    const payload = decodePayload(decryptWithSignature(commit.commit, signature));
    assert.deepEqual(
      { ...payload, publicKey: Buffer.from(payload.publicKey).toString("hex") },
      {
        publicKey: Buffer.from(rig.validator.publicKey).toString("hex"),
        uids: [1, 2],
        values: [65535, 7],
        versionKey: 3n,
      },
    );
    assert.equal(rig.local.weightsOf(netuid, 0).size, 0);
    assert.equal(rig.localNode.included[0]?.call, "commit_timelocked_mechanism_weights");
  });
});
