/**
 * PullTask through the axon, signatures verified, for 256 miners: against a bare node:http server that does one sr25519
 * verification and answers with the same bytes. Both in one run, in turns, each in a thread of its own; the requests
 * are signed beforehand. Then the same calls while another address sends forged ones, against the quiet axon; and last a
 * whole coordinator under a subnet's load, alone and with 50 open web pages (`axon-load.ts`, three minutes; `-- load` for that alone).
 * `npm run bench:axon`; exits with 1 below the bars.
 */
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import { type Keypair, keypairFromUri, ready, verifySignature } from "@turntable/bittensor/keys";
import { pullTask } from "@turntable/bittensor/synapse";

const miners = 256;
/** Calls in flight at one time. */
const inFlight = 32;
/** Many short rounds: what else the machine does hits both alike. */
const rounds = 15;
const callsARound = 256;
const leastRateRatio = 0.7;
const mostP99Ratio = 3;
/** Forged requests a second, over so many connections of one address. */
const forgedPerS = 2_000;
const forgedConnections = 40;
const floodRounds = 10;
/** Honest calls in flight beside a flood: miners pull now and then, so this is many. */
const inFlightBesideFlood = 4;
const mostP99RatioInFlood = 3;
/** PullTask's median beside pages that watch; its p99 moves more from run to run than pages could move it. */
const mostPagedRatio = 1.3;
/** Where honest calls come from; the flood comes from 127.0.0.1. */
const honestAddress = "127.0.0.2";

const emptyHash = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";
const task = {
  type: "text",
  id: "2f6b0c0e-7f6d-4a0b-9d33-0c7a3c0a6c11",
  prompt: "a red ceramic teapot",
};

if (workerData === "axon") {
  await serveAxon();
} else if (workerData === "bare") {
  await serveBare();
} else if (typeof workerData?.floodPort === "number") {
  await flood(workerData.floodPort);
} else {
  if (process.argv[2] !== "load") {
    await main();
  }
  await load();
}

async function serveAxon(): Promise<void> {
  await ready();
  const known = new Set(hotkeys().map(({ ss58 }) => ss58));
  const axon = await startAxon({
    hotkey: keypairFromUri("//Bob"),
    host: "127.0.0.1",
    port: 0,
    nonces: createNonceMemory(),
    routes: [
      route(pullTask, {
        blacklist: ({ hotkey }) => (known.has(hotkey) ? undefined : "Unrecognized hotkey"),
        handle: () => ({ task, submit_before: 1_795_500_000 }),
      }),
    ],
  });
  parentPort?.postMessage(axon.port);
}

async function serveBare(): Promise<void> {
  await ready();
  const answer = JSON.stringify({ name: "PullTask", task, padding: "x".repeat(1000) });
  const server = createServer((req, res) => {
    const { headers } = req;
    const parts = ["nonce", "hotkey", "axon", "uuid", "hash"].map((name) =>
      String(
        name === "axon"
          ? headers.bt_header_axon_hotkey
          : (headers[name === "hash" ? "computed_body_hash" : `bt_header_dendrite_${name}`] ?? ""),
      ),
    );
    const signature = Buffer.from(String(headers.bt_header_dendrite_signature).slice(2), "hex");
    const valid = verifySignature(
      parts.join("."),
      signature,
      String(headers.bt_header_dendrite_hotkey),
    );
    req.resume();
    req.on("end", () => {
      res.writeHead(valid ? 200 : 401, { "content-type": "application/json" }).end(answer);
    });
  });
  server.keepAliveTimeout = 30_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  parentPort?.postMessage((server.address() as AddressInfo).port);
}

interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function main(): Promise<void> {
  await ready();
  const keys = hotkeys();
  const servers = { bare: await startServer("bare"), axon: await startServer("axon") };
  const measured: Record<keyof typeof servers, Measured[]> = { bare: [], axon: [] };
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of ["bare", "axon"] as const) {
      const result = await measure(servers[name].port, signedCalls(keys, round));
      if (round > 0) {
        measured[name].push(result); // the first warms up
      }
    }
  }
  const beside = await measureBesideFlood(servers.axon.port, keys);
  await Promise.all(Object.values(servers).map(({ worker }) => worker.terminate()));
  for (const name of ["bare", "axon"] as const) {
    const of = (value: keyof Measured): number => median(measured[name].map((one) => one[value]));
    console.log(`${name}: ${of("perSecond").toFixed(0)} calls/s, p99 ${of("p99Ms").toFixed(1)} ms`);
  }
  const ratio = (value: keyof Measured): number =>
    median(measured.axon.map((one, round) => one[value] / (measured.bare[round]?.[value] ?? 0)));
  const rate = ratio("perSecond");
  const p99 = ratio("p99Ms");
  console.log(
    `rate ${rate.toFixed(2)} of bare (at least ${leastRateRatio}), p99 ${p99.toFixed(2)} times (at most ${mostP99Ratio})`,
  );
  console.log(
    `beside ${beside.floodPerS.toFixed(0)} forged requests a second: p99 ${beside.floodMs.toFixed(1)} ms, quiet ${beside.quietMs.toFixed(1)} ms, ${beside.ratio.toFixed(2)} times (at most ${mostP99RatioInFlood})`,
  );
  if (rate < leastRateRatio || p99 > mostP99Ratio || beside.ratio > mostP99RatioInFlood) {
    process.exitCode = 1;
  }
}

/** A coordinator with 256 miners that submit 1 MB a minute each. */
async function load(): Promise<void> {
  const { measureLoad, openPages } = await import("./axon-load.ts");
  const { axon, bare, pages } = await measureLoad();
  const named = { bare, coordinator: axon, [`coordinator with ${openPages} open pages`]: pages };
  for (const [name, of] of Object.entries(named)) {
    console.log(
      `${name}, ${miners} miners, 1 MB a minute each: PullTask p50 ${of.pullP50Ms.toFixed(1)} ms, p99 ${of.pullP99Ms.toFixed(1)} ms, ` +
        `submission to verdict p99 ${of.submitP99Ms.toFixed(0)} ms`,
    );
  }
  const wrong = Object.entries({ ...bare.wrong, ...axon.wrong, ...pages.wrong });
  const p99 = axon.pullP99Ms / bare.pullP99Ms;
  const paged = pages.pullP50Ms / axon.pullP50Ms;
  console.log(
    `PullTask's p99 under load ${p99.toFixed(2)} times (at most ${mostP99Ratio}); refused or failed: ` +
      (wrong.map(([what, count]) => `${count} times ${what}`).join(", ") || "nothing"),
  );
  console.log(
    `PullTask's median with ${openPages} open pages ${paged.toFixed(2)} times that without (at most ${mostPagedRatio}), its p99 ${(pages.pullP99Ms / axon.pullP99Ms).toFixed(2)} times`,
  );
  if (p99 > mostP99Ratio || paged > mostPagedRatio || wrong.length > 0) {
    process.exitCode = 1;
  }
}

/** The same calls, quiet and beside a flood in turns. */
async function measureBesideFlood(port: number, keys: readonly Keypair[]) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { floodPort: port } });
  await once(worker, "message");
  const p99s: Record<"quiet" | "flood", number[]> = { quiet: [], flood: [] };
  const rates: number[] = [];
  for (let round = 0; round < floodRounds; round += 1) {
    for (const name of ["quiet", "flood"] as const) {
      const calls = signedCalls(keys, 1_000 + 2 * round + (name === "flood" ? 1 : 0));
      if (name === "flood") {
        worker.postMessage("start");
      }
      const { p99Ms } = await measure(port, calls, inFlightBesideFlood);
      p99s[name].push(p99Ms);
      if (name === "flood") {
        worker.postMessage("stop");
        const [perS] = await once(worker, "message");
        rates.push(Number(perS));
      }
    }
  }
  await worker.terminate();
  const [quietMs, floodMs] = [median(p99s.quiet), median(p99s.flood)];
  return { quietMs, floodMs, ratio: floodMs / quietMs, floodPerS: median(rates) };
}

/** A thread that sends forged requests whenever it is told to, and tells how many a second got their answer. */
async function flood(port: number): Promise<void> {
  await ready();
  const [victim] = hotkeys();
  const head = Object.entries(
    signedCalls(victim === undefined ? [] : [victim], 0)[0]?.headers ?? {},
  )
    .map(([name, value]) =>
      name === "bt_header_dendrite_signature"
        ? `${name}: 0x${"00".repeat(64)}`
        : `${name}: ${value}`,
    )
    .filter((line) => !line.startsWith("content-length"))
    .join("\r\n");
  const bytes = Buffer.from(`POST /PullTask HTTP/1.1\r\n${head}\r\ncontent-length: 2\r\n\r\n{}`);
  const sockets = await Promise.all(
    Array.from({ length: forgedConnections }, async () => {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    }),
  );
  const free = [...sockets];
  let answered = 0;
  for (const socket of sockets) {
    socket.on("data", () => {
      answered += 1;
      free.push(socket);
    });
  }
  let timer: NodeJS.Timeout | undefined;
  let startedAt = 0;
  parentPort?.on("message", (told) => {
    clearInterval(timer);
    if (told === "stop") {
      parentPort?.postMessage((answered / (performance.now() - startedAt)) * 1000);
      return;
    }
    startedAt = performance.now();
    answered = 0;
    let sent = 0;
    timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1000) * forgedPerS;
      for (; sent < due; sent += 1) {
        const socket = free.shift();
        if (socket === undefined) {
          return;
        }
        socket.write(bytes);
      }
    }, 5);
  });
  parentPort?.postMessage("ready");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function hotkeys(): readonly Keypair[] {
  return Array.from({ length: miners }, (_, index) => keypairFromUri(`//Miner${index}`));
}

async function startServer(
  kind: string,
): Promise<{ readonly worker: Worker; readonly port: number }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: kind });
  const [port] = await once(worker, "message");
  return { worker, port: Number(port) };
}

function signedCalls(keys: readonly Keypair[], round: number): readonly Signed[] {
  const bob = keypairFromUri("//Bob").ss58;
  return Array.from({ length: callsARound }, (_, index) => {
    const key = keys[index % keys.length] ?? keypairFromUri("//Alice");
    const nonce = `${BigInt(Date.now()) * 1_000_000n + BigInt(index)}`;
    const uuid = `5ecbd69c-1cec-11ee-b0dc-${String(round).padStart(12, "0")}`;
    const signature = `0x${Buffer.from(key.sign(`${nonce}.${key.ss58}.${bob}.${uuid}.${emptyHash}`)).toString("hex")}`;
    const body = `{"name": "PullTask", "timeout": 300.0, "dendrite": {"hotkey": "${key.ss58}", "nonce": ${nonce}}, "axon": {"hotkey": "${bob}"}}`;
    return {
      body,
      headers: {
        name: "PullTask",
        timeout: "300.0",
        bt_header_axon_ip: "127.0.0.1",
        bt_header_axon_port: "8091",
        bt_header_axon_hotkey: bob,
        bt_header_dendrite_ip: "127.0.0.1",
        bt_header_dendrite_version: "9012002",
        bt_header_dendrite_nonce: nonce,
        bt_header_dendrite_uuid: uuid,
        bt_header_dendrite_hotkey: key.ss58,
        bt_header_dendrite_signature: signature,
        computed_body_hash: emptyHash,
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
      },
    };
  });
}

async function measure(
  port: number,
  calls: readonly Signed[],
  lanes = inFlight,
): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const durations: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) {
      const startedAt = performance.now();
      await ask(port, agent, call);
      durations.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  const tookMs = performance.now() - startedAt;
  agent.destroy();
  const sorted = durations.toSorted((a, b) => a - b);
  return {
    perSecond: (calls.length / tookMs) * 1000,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

function ask(port: number, agent: Agent, { headers, body }: Signed): Promise<void> {
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: "127.0.0.1",
        localAddress: honestAddress,
        port,
        agent,
        path: "/PullTask",
        method: "POST",
        headers,
      },
      (res) => {
        res.resume();
        res.on("end", () =>
          res.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${res.statusCode}`)),
        );
      },
    );
    req.on("error", reject);
    req.end(body);
  });
}
