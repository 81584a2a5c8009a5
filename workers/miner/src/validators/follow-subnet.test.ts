import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createLogger } from "@turntable/process";
import { openMinerStore } from "../store/index.ts";
import { followSubnet, type SubnetOptions } from "./follow-subnet.ts";
import { parseValidator } from "./parse.ts";

before(ready);

const netuid = 17;

/** A subnet with one validator in the sense of the rules, and others that are none. */
async function openChain() {
  const chain = createLocalChain({ subnets: [{ netuid }], allowLoopback: true });
  const neurons = [
    ["//Valid", 1_000, 8091],
    ["//TooPoor", 999, 8092],
    ["//Silent", 5_000, undefined],
  ] as const;
  for (const [uri, stakeTao, port] of neurons) {
    const hotkey = keypairFromUri(uri);
    chain.register({ netuid, hotkey: hotkey.ss58, stakeTao });
    if (port !== undefined) {
      const served = await chain.serveAxon({ netuid, hotkey, address: { ip: "127.0.0.1", port } });
      assert.equal(served.kind, "included");
    }
  }
  return chain;
}

function options(lines: string[]) {
  const logger = createLogger("miner", "info", {
    write(line) {
      lines.push(JSON.parse(line).msg);
    },
  });
  const { validators: records } = openMinerStore(undefined);
  return {
    ...{ netuid, leastStakeTao: 1_000, syncMs: 3_600_000, fixed: [], records, logger },
    hotkey: keypairFromUri("//Alice").ss58,
  } satisfies Partial<SubnetOptions>;
}

test("validators have the stake and an axon; without a registration there is nobody to ask", async () => {
  const chain = await openChain();
  const lines: string[] = [];
  const settings = options(lines);
  await using subnet = followSubnet({ ...settings, chain: async () => chain });
  await subnet.sync();
  assert.deepEqual(subnet.validators(), []);
  assert.match(subnet.trouble() ?? "", /is not registered on subnet 17: register it/);
  assert.match(lines.at(-1) ?? "", /is not registered/);

  chain.register({ netuid, hotkey: settings.hotkey });
  await subnet.sync();
  assert.equal(subnet.trouble(), undefined);
  const valid = { ip: "127.0.0.1", port: 8091, hotkey: keypairFromUri("//Valid").ss58 };
  assert.deepEqual(subnet.validators(), [valid]);
  assert.deepEqual(settings.records.listed(), [valid]);
});

test("a hotkey that lost its place is told of, and has nobody to ask", async () => {
  const chain = await openChain();
  const lines: string[] = [];
  const settings = options(lines);
  const fixed = [{ ip: "127.0.0.1", port: 1, hotkey: keypairFromUri("//Valid").ss58 }];
  let isGone = false;
  const metagraph: typeof chain.metagraph = async (subnet, signal) => {
    const read = await chain.metagraph(subnet, signal);
    const others = read.neurons.filter(({ hotkey }) => !isGone || hotkey !== settings.hotkey);
    return { ...read, neurons: others };
  };
  chain.register({ netuid, hotkey: settings.hotkey });
  await using subnet = followSubnet({ ...settings, fixed, chain: async () => ({ metagraph }) });
  await subnet.sync();
  assert.deepEqual(subnet.validators(), fixed, "an address of the operator's wins");
  isGone = true;
  await subnet.sync();
  assert.deepEqual(subnet.validators(), []);
  assert.match(lines.at(-1) ?? "", /is not registered/);
});

test("while the chain is away, what it said last goes on, also after a restart", async () => {
  const lines: string[] = [];
  const settings = options(lines);
  const known = { ip: "10.0.0.1", port: 8091, hotkey: keypairFromUri("//Valid").ss58 };
  const chain = async () => Promise.reject(new Error("no node answers"));
  {
    await using subnet = followSubnet({ ...settings, chain });
    await subnet.sync();
    assert.match(subnet.trouble() ?? "", /no node answers/);
  }
  settings.records.list([known]);
  await using subnet = followSubnet({ ...settings, chain });
  await subnet.sync();
  assert.deepEqual(subnet.validators(), [known]);
  assert.equal(subnet.trouble(), undefined);
});

test("an end is not held up by a chain that does not answer", async () => {
  const subnet = followSubnet({
    ...options([]),
    chain: async () => ({ metagraph: () => new Promise(() => undefined) }),
  });
  await subnet[Symbol.asyncDispose]();
});

test("validators are named with IPv4, IPv6 and host names", () => {
  const { ss58: hotkey } = keypairFromUri("//Valid");
  assert.deepEqual(parseValidator(`203.0.113.7:8091:${hotkey}`), {
    ...{ ip: "203.0.113.7", port: 8091, hotkey },
  });
  assert.deepEqual(parseValidator(`[2001:db8::7]:8091:${hotkey}`), {
    ...{ ip: "2001:db8::7", port: 8091, hotkey },
  });
  for (const wrong of ["2001:db8::7:8091", "[1.2.3.4]:8091", "[::1:8091", "host:0", "host:70000"]) {
    assert.equal(parseValidator(`${wrong}:${hotkey}`), undefined, wrong);
  }
  assert.equal(parseValidator("127.0.0.1:8091:5Nobody"), undefined);
});
