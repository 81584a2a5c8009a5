/** Coordinators' state over a real NATS: who leads, what others have of it, and what happens when NATS itself fails. */
import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { LogLostError, OvertakenError, type StateLog } from "@turntable/bus";
import { connectJobQueue, connectStateLog } from "@turntable/bus/nats";
import {
  type AssetFiles,
  coordinatorMigrations,
  type Leadership,
  openAssetFiles,
  openKeyStore,
  openStore,
  type StandbyEvent,
  type Store,
  standBy,
} from "@turntable/coordinator/internal";
import { type NatsServer, startNatsCluster, startNatsServer } from "../harness/nats-server.ts";
import { startWire } from "../harness/wire.ts";

const timeout = 60_000;
const leaseMs = 1_000;
const scratch = await mkdtemp(join(tmpdir(), "turntable-standby-"));
after(() => rm(scratch, { recursive: true }));
let folders = 0;
const folder = (): string => join(scratch, String(folders++));

/** One side of a pair: follows, and leads once it is its turn. */
interface Member extends AsyncDisposable {
  readonly log: StateLog;
  readonly leads: Promise<Leadership>;
  /** Resolves with the first event of this kind, past or to come. */
  saw<Kind extends StandbyEvent["kind"]>(
    kind: Kind,
    fits?: (event: Extract<StandbyEvent, { kind: Kind }>) => boolean,
  ): Promise<Extract<StandbyEvent, { kind: Kind }>>;
  /** Ends it without a word. */
  vanish(): Promise<void>;
}

async function startMember(
  nats: Pick<NatsServer, "url"> | readonly NatsServer[],
  dataDir: string,
  name: string,
  options: {
    readonly begin?: boolean;
    readonly copyEveryBytes?: number;
    readonly leaseMs?: number;
    readonly requestTimeoutMs?: number;
  } = {},
): Promise<Member> {
  const urls = "url" in nats ? [nats.url] : nats.map(({ url }) => url);
  const { requestTimeoutMs, ...rest } = options;
  const log = await connectStateLog({
    ...{ servers: urls, replicas: urls.length },
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  });
  const stopping = new AbortController();
  const events: StandbyEvent[] = [];
  let wake = Promise.withResolvers<void>();
  const leads = standBy(
    {
      ...{ log, dataDir, name, leaseMs, begin: false, ...rest },
      onEvent(event) {
        events.push(event);
        wake.resolve();
        wake = Promise.withResolvers();
      },
    },
    stopping.signal,
  );
  leads.catch(() => undefined);
  return {
    log,
    leads,
    async saw(kind, fits = () => true) {
      for (;;) {
        const found = events.find(
          (event): event is Extract<StandbyEvent, { kind: typeof kind }> =>
            event.kind === kind && fits(event as never),
        );
        if (found !== undefined) {
          return found;
        }
        await wake.promise;
      }
    },
    async vanish() {
      stopping.abort();
      await log[Symbol.asyncDispose]();
      await leads.then(
        (leadership) => leadership[Symbol.asyncDispose](),
        () => undefined,
      );
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await leads.then(
        (leadership) => leadership[Symbol.asyncDispose](),
        () => undefined,
      );
      await log[Symbol.asyncDispose]();
    },
  };
}

const set = (store: Store, name: string, value: string): void =>
  store.run("INSERT OR REPLACE INTO prompt_state VALUES (?, ?)", name, value);
const get = (store: Store, name: string): unknown =>
  (store.get("SELECT value FROM prompt_state WHERE name = ?", name) as { value?: string })?.value;

/** Leads with a store; disposed, it hands over. */
async function leadWith(member: Member, dataDir: string) {
  const leadership = await member.leads;
  const store = openStore(dataDir);
  const following = leadership.follow(store);
  return {
    ...{ leadership, store },
    async [Symbol.asyncDispose]() {
      await following[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      await member[Symbol.asyncDispose]();
    },
  };
}

for (const servers of [1, 3]) {
  describe(`with ${servers} NATS servers`, { timeout }, () => {
    const open = async () => {
      if (servers === 1) {
        const server = await startNatsServer();
        return { servers: [server], [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
      }
      return startNatsCluster(servers);
    };

    test("an entry comes right after the one that its writer knows, or not at all", async () => {
      await using cluster = await open();
      const urls = cluster.servers.map(({ url }) => url);
      await using one = await connectStateLog({ servers: urls, replicas: servers });
      await using other = await connectStateLog({ servers: urls, replicas: servers });
      const { signal } = new AbortController();
      const entry = (text: string) =>
        ({ kind: "changes", schema: 1, body: Buffer.from(text) }) as const;
      const first = await one.entries.append(entry("first"), 0, signal);
      const second = await other.entries.append(entry("second"), first, signal);
      await assert.rejects(one.entries.append(entry("late"), first, signal), OvertakenError);
      await assert.rejects(one.entries.append(entry("ahead"), 9, signal), LogLostError);
      const large = Buffer.alloc(2_500_000, "x");
      const third = await other.entries.append(
        { kind: "keys", schema: 2, body: large },
        second,
        signal,
      );
      const read = await waitFor(async () => {
        const entries = await one.entries.read(1, 16);
        return entries.length === third ? entries : undefined;
      });
      assert.deepEqual(
        read.map(({ kind, schema, hasMore, sequence }) => [kind, schema, hasMore, sequence]),
        [
          ["changes", 1, false, 1],
          ["changes", 1, false, 2],
          ["keys", 2, true, 3],
          ["keys", 2, true, 4],
          ["keys", 2, false, 5],
        ],
      );
      assert.deepEqual(Buffer.concat(read.slice(2).map(({ body }) => body)), large);
      await one.entries.trim(2);
      assert.partialDeepStrictEqual(await one.entries.info(), { first: 3, last: 5 });
      assert.deepEqual(await one.entries.read(1, 4), []);
    });

    test("a lease is written over only by who has read it, and files are whole or not there", async () => {
      await using cluster = await open();
      const urls = cluster.servers.map(({ url }) => url);
      await using log = await connectStateLog({ servers: urls, replicas: servers });
      assert.equal(await log.lease.read(), undefined);
      const holder = { holder: "h", directory: "d", name: "n", isReleased: false };
      const revision = await log.lease.write(holder, 0);
      await assert.rejects(log.lease.write(holder, 0), OvertakenError);
      assert.deepEqual(await log.lease.read(), { ...holder, revision });
      assert.ok((await log.lease.write(holder, revision)) > revision);

      const parts = Array.from({ length: 9 }, (_, n) => Buffer.alloc(1024 * 1024, n));
      await log.files.put("large", parts);
      await log.files.put("small", [Buffer.from("s")]);
      const large = await waitFor(() => log.files.get("large"));
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of large.read()) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      assert.equal(bytes, 9 * 1024 * 1024);
      assert.equal(
        hash.digest("hex"),
        createHash("sha256").update(Buffer.concat(parts)).digest("hex"),
      );
      assert.deepEqual([...(await log.files.list()).names].toSorted(), ["large", "small"]);
      assert.equal((await log.files.next(0))?.name, "large");
      assert.equal((await log.files.next(large.sequence))?.name, "small");
      await log.files.remove("large");
      await waitFor(async () => ((await log.files.get("large")) === undefined ? true : undefined));
      const half = async function* () {
        yield* parts;
        throw new Error("the disk is gone");
      };
      await assert.rejects(log.files.put("half", half()), /the disk is gone/);
      assert.equal(await log.files.get("half"), undefined);
    });

    test("who takes over has all that was settled, in tables with sequences too, and the API keys", async () => {
      await using cluster = await open();
      const [one, two] = [folder(), folder()];
      const first = await startMember(cluster.servers, one, "one");
      const { leadership, store } = await leadWith(first, one);
      await using second = await startMember(cluster.servers, two, "two");
      await second.saw("following");
      for (let n = 0; n < 50; n++) {
        set(store, `n${n}`, "v");
        store.transaction(() => {
          store.run(
            "INSERT INTO duels (made_at, one, other) VALUES (?, 'a', 'b'), (?, 'c', 'd')",
            n,
            n,
          );
          store.run("DELETE FROM duels WHERE one = 'c'");
        });
        await leadership.settled();
      }
      using keys = openKeyStore(one);
      keys.run("INSERT INTO api_keys VALUES ('k', 'n', 'h', '[]', 0, 0, 1, NULL, NULL)");
      await leadership.settled();
      await first.vanish();
      const taken = await leadWith(second, two);
      assert.equal(get(taken.store, "n49"), "v");
      assert.deepEqual(taken.store.all("SELECT * FROM duels"), store.all("SELECT * FROM duels"));
      using taken2 = openKeyStore(two);
      assert.equal(taken2.all("SELECT * FROM api_keys").length, 1);
      // The first, were it still there, tells nobody of anything.
      set(store, "late", "v");
      await assert.rejects(leadership.settled(), { name: "NotReplicatedError" });
      store[Symbol.dispose]();
      await taken[Symbol.asyncDispose]();
    });
  });
}

describe("of two data directories", { timeout }, () => {
  test("one leads when both start at one time", async () => {
    await using nats = await startNatsServer();
    await using one = await startMember(nats, folder(), "one");
    await using two = await startMember(nats, folder(), "two");
    const [winner, other] = await Promise.race([
      one.leads.then(() => [one, two] as const),
      two.leads.then(() => [two, one] as const),
    ]);
    let isTaken = false;
    other.leads.then(
      () => {
        isTaken = true;
      },
      () => undefined,
    );
    await sleep(3 * leaseMs); // long enough for one that would not wait
    assert.equal(isTaken, false);
    await (await winner.leads).settled();
  });

  test("an older one that starts first catches up before it leads", async () => {
    await using nats = await startNatsServer();
    const [one, two] = [folder(), folder()];
    const first = await leadWith(await startMember(nats, one, "one"), one);
    set(first.store, "before", "v");
    const second = await startMember(nats, two, "two");
    await second.saw("following");
    await first[Symbol.asyncDispose]();
    const taken = await leadWith(second, two);
    set(taken.store, "after", "v");
    await taken.leadership.settled();
    await second.vanish();
    taken.store[Symbol.dispose]();

    const again = await startMember(nats, one, "one");
    await using late = await leadWith(again, one);
    assert.equal(get(late.store, "before"), "v");
    assert.equal(get(late.store, "after"), "v", "what the other one had acknowledged");
  });

  test("a database that changed beside the log is restored, and the one before is kept aside", async () => {
    await using nats = await startNatsServer();
    const [one, two] = [folder(), folder()];
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    set(first.store, "x", "1");
    await first.leadership.settled();
    const second = await startMember(nats, two, "two");
    await second.saw("following");
    await second[Symbol.asyncDispose]();
    {
      using beside = openStore(two);
      set(beside, "x", "beside");
    }
    set(first.store, "x", "2");
    await first.leadership.settled();
    await using again = await startMember(nats, two, "two");
    await again.saw("restored");
    assert.ok(existsSync(join(two, "coordinator.sqlite.before-standby")));
  });

  test("an empty one begins no log where a coordinator runs without it, and follows that one's once it has it", async () => {
    await using nats = await startNatsServer();
    const [one, two] = [folder(), folder()];
    {
      using alone = openStore(one);
      set(alone, "x", "1");
      await using _queue = await connectJobQueue({ servers: [nats.url] });
    }
    await using added = await startMember(nats, two, "two");
    await added.saw("trouble", ({ error }) => /--standby-enabled/.test(String(error)));
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    await first.leadership.settled();
    await added.saw("restored");
    assert.equal(get(first.store, "x"), "1");
  });

  test("a copy of one under another name waits for its turn", async () => {
    await using nats = await startNatsServer();
    const [one, two] = [folder(), folder()];
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    await first.leadership.settled();
    await waitFor(async () => (existsSync(join(one, "standby.json")) ? true : undefined));
    await cp(one, two, { recursive: true });
    await using second = await startMember(nats, two, "two");
    await second.saw("following");
    await first.leadership.settled();
  });

  test("the log is shortened by copies, and who was away meanwhile is restored", async () => {
    await using nats = await startNatsServer();
    const [one, two] = [folder(), folder()];
    const member = await startMember(nats, one, "one", { copyEveryBytes: 2_000 });
    await using first = await leadWith(member, one);
    await first.leadership.settled();
    const second = await startMember(nats, two, "two");
    await second.saw("following");
    await second[Symbol.asyncDispose]();
    const begun = await member.saw("copied");
    for (let n = 0; ; n++) {
      set(first.store, `n${n}`, createHash("sha512").update(String(n)).digest("hex"));
      await first.leadership.settled();
      const { first: oldest } = await member.log.entries.info();
      if (oldest > begun.position + 20) {
        break;
      }
    }
    await using again = await startMember(nats, two, "two");
    const { reason } = await again.saw("restored");
    assert.match(reason, /shortened|nothing here/);
    await again.saw("following");
  });
});

describe("NATS", { timeout }, () => {
  test("away for longer than a lease: nobody is told of anything; back, the same one leads on", async () => {
    await using nats = await startNatsServer();
    const one = folder();
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    set(first.store, "x", "1");
    await first.leadership.settled();
    await nats.kill9();
    set(first.store, "x", "2");
    await assert.rejects(first.leadership.settled(), { name: "NotReplicatedError" });
    await waitFor(async () => first.leadership.notReady());
    await nats.restart();
    await waitFor(async () => (first.leadership.notReady() === undefined ? true : undefined));
    await first.leadership.settled();
  });

  test("that lost everything is begun anew by nobody who was not told to", async () => {
    await using nats = await startNatsServer();
    const one = folder();
    {
      await using first = await leadWith(await startMember(nats, one, "one"), one);
      set(first.store, "x", "1");
      await first.leadership.settled();
    }
    await nats.restart({ empty: true });
    {
      await using again = await startMember(nats, one, "one");
      await assert.rejects(again.leads, (error: Error) => {
        assert.ok(error instanceof LogLostError);
        assert.match(error.message, /--standby-begin/);
        return true;
      });
    }
    await using told = await leadWith(await startMember(nats, one, "one", { begin: true }), one);
    assert.equal(get(told.store, "x"), "1");
    await told.leadership.settled();
    const two = folder();
    await using second = await startMember(nats, two, "two");
    await second.saw("following");
  });

  test("begun anew with another database, as with a backup: who followed the one before is restored", async () => {
    await using nats = await startNatsServer();
    const [one, two, backup] = [folder(), folder(), folder()];
    {
      await using first = await leadWith(await startMember(nats, one, "one"), one);
      set(first.store, "x", "late");
      await first.leadership.settled();
      await using second = await startMember(nats, two, "two");
      await second.saw("following");
    }
    {
      using older = openStore(backup);
      set(older, "x", "early");
    }
    const member = await startMember(nats, backup, "backup", { begin: true });
    const begun = await leadWith(member, backup);
    await begun.leadership.settled();
    const followers = [];
    for (const [dataDir, name] of [
      [one, "one"],
      [two, "two"],
    ] as const) {
      const follower = await startMember(nats, dataDir, name);
      await follower.saw("restored");
      followers.push(follower);
    }
    await begun[Symbol.asyncDispose]();
    const [last = assert.fail(), other = assert.fail()] = followers;
    const [taken, dataDir] = await Promise.race([
      last.leads.then(() => [last, one] as const),
      other.leads.then(() => [other, two] as const),
    ]);
    await using led = await leadWith(taken, dataDir);
    assert.equal(get(led.store, "x"), "early");
    await (taken === last ? other : last)[Symbol.asyncDispose]();
  });

  test("that lost everything under who leads ends it", async () => {
    await using nats = await startNatsServer();
    const one = folder();
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    await first.leadership.settled();
    await nats.restart({ empty: true });
    set(first.store, "x", "1");
    await assert.rejects(first.leadership.ended, LogLostError);
    await assert.rejects(first.leadership.settled(), { name: "NotReplicatedError" });
  });
});

describe("a wire that is cut", { timeout }, () => {
  const open = async () => {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNatsServer());
    const wire = stack.use(await startWire(nats.port));
    const opened = stack.move();
    return {
      ...{ nats, wire, beyond: { url: `nats://127.0.0.1:${wire.port}` } },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  };

  test("between who leads and NATS: it tells nobody of anything while the other leads, and ends when it is mended", async () => {
    await using place = await open();
    const [one, two] = [folder(), folder()];
    await using first = await leadWith(await startMember(place.beyond, one, "one"), one);
    set(first.store, "x", "1");
    await untilSettled(first.leadership);
    const second = await startMember(place.nats, two, "two");
    await second.saw("following");
    place.wire.cut();
    set(first.store, "x", "late");
    const untold = assert.rejects(first.leadership.settled(), { name: "NotReplicatedError" });
    await using taken = await leadWith(second, two);
    assert.ok(first.leadership.notReady());
    await untold;
    await untilSettled(taken.leadership);
    place.wire.heal();
    await assert.rejects(first.leadership.ended, OvertakenError);
    await assert.rejects(first.leadership.settled(), { name: "NotReplicatedError" });
    await untilSettled(taken.leadership);
    assert.equal(get(taken.store, "x"), "1");
  });

  test("between who stands by and NATS: the other leads on, and when it is mended all has come over", async () => {
    await using place = await open();
    const [one, two] = [folder(), folder()];
    const first = await leadWith(await startMember(place.nats, one, "one"), one);
    set(first.store, "x", "1");
    await untilSettled(first.leadership);
    const second = await startMember(place.beyond, two, "two", { requestTimeoutMs: leaseMs });
    await second.saw("following");
    place.wire.cut();
    await second.saw("trouble");
    set(first.store, "x", "2");
    await untilSettled(first.leadership);
    place.wire.heal();
    await first[Symbol.asyncDispose]();
    await using taken = await leadWith(second, two);
    assert.equal(get(taken.store, "x"), "2");
  });
});

describe("of two versions", { timeout }, () => {
  const schema = coordinatorMigrations.length;

  /** Leads a log of its own as a coordinator whose tables are of another version would. */
  async function startOther(nats: NatsServer, version: number) {
    const directory = folder();
    mkdirSync(directory);
    const file = join(directory, "database");
    await using stack = new AsyncDisposableStack();
    const log = stack.use(await connectStateLog({ servers: [nats.url], replicas: 1 }));
    const database = stack.adopt(new DatabaseSync(file), (opened) => opened.close());
    for (const sql of coordinatorMigrations.slice(0, version)) {
      database.exec(sql);
    }
    database.exec(`PRAGMA user_version = ${version}`);
    const holder = { holder: "h", directory, name: "other", isReleased: false };
    const revision = await log.lease.write(holder, 0);
    const { signal } = new AbortController();
    const body = Buffer.from(JSON.stringify({ ...holder, isBeginning: true }));
    let position = await log.entries.append({ kind: "term", schema: 0, body }, 0, signal);
    const running = stack.move();
    return {
      log,
      async copy(as: number) {
        const copy = zstdCompressSync(readFileSync(file));
        const { id } = await log.entries.info();
        const about = { log: id, position, schema: as, name: `copy-${position}` };
        await log.files.put(about.name, [copy]);
        const manifest = { ...about, bytes: copy.length, sha256: hash("sha256", copy) };
        await log.files.put("manifest", [Buffer.from(JSON.stringify(manifest))]);
      },
      async set(name: string, value: string, as: number) {
        const session = database.createSession();
        database.prepare("INSERT OR REPLACE INTO prompt_state VALUES (?, ?)").run(name, value);
        const changes = zstdCompressSync(session.changeset());
        const entry = { kind: "changes", schema: as, body: changes } as const;
        position = await log.entries.append(entry, position, signal);
        session.close();
      },
      release: () => log.lease.write({ ...holder, isReleased: true }, revision),
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  }

  test("a newer one follows an older one, takes over, and brings the tables up to date for all", async () => {
    await using nats = await startNatsServer();
    await using older = await startOther(nats, schema - 1);
    await older.copy(schema - 1);
    await older.set("x", "1", schema - 1);
    const dataDir = folder();
    const newer = await startMember(nats, dataDir, "newer", { leaseMs: 10_000 });
    await newer.saw("following");
    await older.set("x", "2", schema - 1);
    await older.release();
    await using taken = await leadWith(newer, dataDir);
    assert.equal(get(taken.store, "x"), "2");
    set(taken.store, "x", "3");
    await taken.leadership.settled();
    const manifest = await waitFor(() => older.log.files.get("manifest"));
    const chunks: Uint8Array[] = [];
    for await (const chunk of manifest.read()) {
      chunks.push(chunk);
    }
    assert.equal(JSON.parse(Buffer.concat(chunks).toString()).schema, schema);
    const third = folder();
    await using follower = await startMember(nats, third, "third", { leaseMs: 10_000 });
    await follower.saw("following");
  });

  test("an older one cannot follow a newer one, and says which version it needs", async () => {
    await using nats = await startNatsServer();
    await using newer = await startOther(nats, schema);
    await newer.copy(schema);
    await newer.set("x", "1", schema);
    await using older = await startMember(nats, folder(), "older", { leaseMs: 10_000 });
    await older.saw("following");
    await newer.copy(schema + 1);
    await newer.set("x", "2", schema + 1);
    await assert.rejects(older.leads, /is of a newer version \(schema \d+, this one knows \d+\)/);
  });
});

describe("assets", { timeout }, () => {
  const bytes = Buffer.from("an asset");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const assetsOf = (dataDir: string): Promise<AssetFiles> =>
    openAssetFiles(join(dataDir, "assets"));

  test("are with who stands by before anything refers to them, and fetched when they are not", async () => {
    await using nats = await startNatsServer();
    const [one, two, three] = [folder(), folder(), folder()];
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    const shared = first.leadership.share(await assetsOf(one));
    await using second = await startMember(nats, two, "two");
    await second.saw("following");
    (await shared.save(bytes, sha256))[Symbol.dispose]();
    await waitFor(async () => (existsSync(join(two, "assets", sha256)) ? true : undefined));

    const elsewhere = await assetsOf(three);
    assert.equal(await elsewhere.load(sha256), undefined);
    const lacking = first.leadership.share(elsewhere);
    assert.deepEqual(Buffer.from((await lacking.load(sha256)) ?? []), bytes);
    assert.ok(existsSync(join(three, "assets", sha256)));
  });

  test("that were there before the log are brought to it, and removed ones leave it", async () => {
    await using nats = await startNatsServer();
    const one = folder();
    const files = await assetsOf(one);
    (await files.save(bytes, sha256))[Symbol.dispose]();
    const member = await startMember(nats, one, "one");
    await using first = await leadWith(member, one);
    const shared = first.leadership.share(files);
    await using _mirror = shared.mirror((found) => found === sha256);
    await waitFor(() => member.log.files.get(`asset-${sha256}`));
    assert.equal(await shared.remove(sha256), true);
    assert.equal(await member.log.files.get(`asset-${sha256}`), undefined);
  });

  test("cannot be saved while NATS is away", async () => {
    await using nats = await startNatsServer();
    const one = folder();
    await using first = await leadWith(await startMember(nats, one, "one"), one);
    const shared = first.leadership.share(await assetsOf(one));
    await nats.kill9();
    await assert.rejects(shared.save(bytes, sha256), { name: "NotReplicatedError" });
  });
});

/** A lease may run out for a moment on a machine that is busy. */
const untilSettled = (leadership: Leadership): Promise<boolean> =>
  waitFor(() =>
    leadership.settled().then(
      () => true,
      () => undefined,
    ),
  );

async function waitFor<Found>(find: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await find();
    if (found !== undefined) {
      return found;
    }
    await sleep(20);
  }
}
