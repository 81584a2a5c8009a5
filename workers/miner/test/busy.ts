/**
 * How busy the good ones of four generation endpoints are while one hangs and one answers rubbish, and whether any
 * validator is asked before its cooldown is over. In real time, against real sockets.
 *
 * `node workers/miner/test/busy.ts [SECONDS] [GENERATE_MS]`
 */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { createLogger } from "@turntable/process";
import { startMiner } from "../src/miner.ts";
import { feedback, smallPly } from "./subnet.ts";

export interface BusyReport {
  /** Share of the time, from its first task on, that each good endpoint spent generating. */
  readonly busy: readonly number[];
  readonly generated: readonly number[];
  readonly hung: number;
  readonly rubbish: number;
  /** Tasks that were submitted with an asset, and those that were given back. */
  readonly submitted: number;
  readonly givenBack: number;
  /** Pulls that came before the cooldown that the validator had told was over. */
  readonly tooEarly: number;
  readonly pulls: number;
}

const validatorCount = 12;
const cooldownS = 1;
/** Clocks of one machine, and a cooldown told in whole seconds. */
const toleranceMs = 5;

export async function measureBusy(seconds: number, generateMs: number): Promise<BusyReport> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    stack.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo; // it listens on a port
    return `http://127.0.0.1:${port}`;
  };
  const ply = smallPly();
  const openGood = async () => {
    const seen = { firstAt: 0, busyMs: 0, since: 0, count: 0 };
    const url = await serve(async (_request, response) => {
      seen.since = performance.now();
      seen.firstAt ||= seen.since;
      await wait(generateMs);
      seen.busyMs += performance.now() - seen.since;
      seen.since = 0;
      seen.count++;
      response.end(ply);
    });
    return { url, seen };
  };
  const good = [await openGood(), await openGood()];
  let hung = 0;
  let rubbish = 0;
  const hanging = await serve(() => {
    hung++;
  });
  const broken = await serve((_request, response) => {
    rubbish++;
    response.end("this is no asset");
  });

  let [tooEarly, pulls, tasks, submitted, givenBack] = [0, 0, 0, 0, 0];
  const openValidator = async (index: number) => {
    const hotkey = keypairFromUri(`//Validator${index}`);
    let restsUntil = 0;
    const axon = await startAxon({
      ...{ hotkey, host: "127.0.0.1", port: 0, nonces: createNonceMemory() },
      routes: [
        route(pullTask, {
          handle() {
            pulls++;
            tooEarly += Date.now() < restsUntil - toleranceMs ? 1 : 0;
            const task = { type: "text", id: `task-${tasks++}`, prompt: "a cube" };
            return { task, submit_before: Math.floor(Date.now() / 1000) + 600 };
          },
        }),
        route(submitResults, {
          handle({ fields }) {
            if (fields.results === "") {
              givenBack++;
            } else {
              submitted++;
            }
            restsUntil = (Math.ceil(Date.now() / 1000) + cooldownS) * 1000;
            return { feedback, cooldown_until: restsUntil / 1000 };
          },
        }),
      ],
    });
    stack.use(axon);
    return { ip: "127.0.0.1", port: axon.port, hotkey: hotkey.ss58 };
  };
  const validators = await Promise.all(
    Array.from({ length: validatorCount }, (_, index) => openValidator(index)),
  );

  stack.use(
    await startMiner({
      hotkey: keypairFromUri("//Alice"),
      validators: async () => validators,
      // The bad ones first, so that nothing is owed to the order
      endpoints: [
        { url: hanging, timeoutMs: 2 * generateMs },
        { url: broken },
        ...good.map(({ url }) => ({ url })),
      ],
      logger: createLogger("miner", "silent"),
    }),
  );
  await wait(seconds * 1000);
  const now = performance.now();
  return {
    busy: good.map(({ seen }) => {
      const busyMs = seen.busyMs + (seen.since > 0 ? now - seen.since : 0);
      return seen.firstAt === 0 ? 0 : busyMs / (now - seen.firstAt);
    }),
    generated: good.map(({ seen }) => seen.count),
    ...{ hung, rubbish, submitted, givenBack, tooEarly, pulls },
  };
}

/** The bar, for a run in which generating takes much longer than everything around it. */
const leastBusy = 0.95;

if (import.meta.main) {
  const [seconds = "60", generateMs = "5000"] = process.argv.slice(2);
  const report = await measureBusy(Number(seconds), Number(generateMs));
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  const isGood = report.busy.every((share) => share >= leastBusy) && report.tooEarly === 0;
  process.exitCode = isGood ? 0 : 1;
}
