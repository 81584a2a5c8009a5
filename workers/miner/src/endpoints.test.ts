import assert from "node:assert/strict";
import { describe, it, type TestContext, test } from "node:test";
import { createLogger } from "@turntable/process";
import { createClock, smallPly, startGenerator } from "../test/subnet.ts";
import { createEndpoints, type EndpointOptions, type Place, parseEndpoint } from "./endpoints.ts";
import { openMinerStore } from "./store/index.ts";

const never = new AbortController().signal;
const order = { prompt: "a cube", seed: 1, timeoutMs: 5_000, signal: never, check: async () => {} };
const logger = createLogger("test", "silent");

function open(t: TestContext, options: readonly EndpointOptions[]) {
  const store = openMinerStore(undefined);
  t.after(() => store[Symbol.dispose]());
  const clock = createClock();
  const records = store.generations;
  const endpoints = createEndpoints(options, { records, timing: clock, logger, meter: undefined });
  return { clock, records, endpoints };
}

/** Generates once, and gives the place back. */
async function once(place: Promise<Place>) {
  using taken = await place;
  return { url: taken.url, generation: await taken.generate(order) };
}

test("an endpoint is a URL with settings", () => {
  assert.deepEqual(parseEndpoint("https://gpu:8094/own;concurrency=2;timeout-ms=1500;per-day=9"), {
    ...{ url: "https://gpu:8094/own", concurrency: 2, timeoutMs: 1500, perDay: 9 },
  });
  assert.equal(parseEndpoint("http://gpu")?.concurrency, 1);
  for (const wrong of [
    ...["ftp://gpu", "gpu", "http://", "http://gpu;", "http://gpu;concurrency=0"],
    ...["http://gpu;speed=2", "http://gpu;per-day=1;per-day=2"],
  ]) {
    assert.equal(parseEndpoint(wrong), undefined, wrong);
  }
});

describe("endpoints", () => {
  it("take tasks by their speed, the unknown first, as many as they have places", async (t) => {
    const { endpoints, records } = open(t, [{ url: "http://slow" }]);
    assert.equal((await endpoints.place("new", never)).url, "http://slow");
    records.add("http://slow", 1, 9_000, "");
    records.add("http://fast", 1, 2_000, "");
    const known = createEndpoints(
      [{ url: "http://slow" }, { url: "http://fast", concurrency: 2 }, { url: "http://new" }],
      { records, timing: createClock(), logger, meter: undefined },
    );
    const places = await Promise.all([1, 2, 3, 4].map(() => known.place("new", never)));
    assert.deepEqual(
      places.map(({ url }) => url.slice(7)),
      ["new", "fast", "fast", "slow"],
    );
    const waiting = known.place("new", never);
    places[1]?.[Symbol.dispose]();
    places[1]?.[Symbol.dispose](); // twice changes nothing
    assert.equal((await waiting).url, "http://fast");
    const stop = new AbortController();
    const stopped = known.place("new", stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(stopped, /enough/);
  });

  it("give tasks in hand a place before new ones", async (t) => {
    const { endpoints } = open(t, [{ url: "http://one" }]);
    const taken = await endpoints.place("new", never);
    const got: string[] = [];
    const waiting = (["new", "task"] as const).map(async (purpose) => {
      using _ = await endpoints.place(purpose, never);
      got.push(purpose);
    });
    taken[Symbol.dispose]();
    await Promise.all(waiting);
    assert.deepEqual(got, ["task", "new"]);
  });

  it("rest after a failure, the longer the more they fail, and one try tells", async (t) => {
    let works = false;
    const { url } = await startGenerator(t, () => {
      if (works) {
        return smallPly();
      }
      return Buffer.from("rubbish");
    });
    const { endpoints, clock } = open(t, [{ url, concurrency: 2 }]);
    const check = async (bytes: Buffer): Promise<void> => {
      assert.ok(bytes.subarray(0, 3).toString() === "ply", "no asset");
    };
    const judged = async (): Promise<string> => {
      using place = await endpoints.place("new", never);
      return (await place.generate({ ...order, check })).kind;
    };
    for (const leastMs of [5_000, 10_000, 20_000]) {
      const before = clock.now();
      assert.equal(await judged(), "failed");
      assert.match(endpoints.trouble() ?? "", /no asset/);
      assert.equal(endpoints.healthy(), 0);
      (await endpoints.place("new", never))[Symbol.dispose]();
      assert.ok(clock.now() - before >= leastMs);
    }
    works = true;
    assert.equal(await judged(), "made");
    assert.equal(endpoints.trouble(), undefined);
    await Promise.all([endpoints.place("new", never), endpoints.place("new", never)]);
  });

  it("have a budget for a day, which counts what was before", async (t) => {
    const { url } = await startGenerator(t, () => smallPly());
    const { endpoints, clock, records } = open(t, [{ url, perDay: 3 }]);
    records.add(url, clock.now() - 80_000_000, 1, "no GPU");
    for (let count = 2; count <= 3; count++) {
      assert.equal((await once(endpoints.place("new", never))).generation.kind, "made");
    }
    assert.match(endpoints.trouble() ?? "", /used up/);
    await once(endpoints.place("new", never));
    assert.ok(clock.now() > 1_700_000_000_000 + 6_000_000, "the first has left the day");
  });
});
