/**
 * The real Python SDKs against our axon, dendrite and key files, over loopback and both ways. The messages are those of
 * both protocol years of subnet 17, and of subnet 21.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  AxonError,
  type AxonHandler,
  type AxonRoute,
  createNonceMemory,
  route,
  startAxon,
} from "@turntable/bittensor/axon";
import { weightsForChain } from "@turntable/bittensor/chain";
import { type CallOutcome, createDendrite } from "@turntable/bittensor/dendrite";
import {
  createHotkeyFile,
  createMnemonic,
  encryptKeyFile,
  keyFileText,
  keypairFromMnemonic,
  keypairFromUri,
  loadHotkey,
  openKeyFile,
  ready,
  verifySignature,
} from "@turntable/bittensor/keys";
import {
  generate,
  getVersion,
  type InputOf,
  isJsonObject,
  type Json,
  ping,
  pullTask,
  retrieveUser,
  type Synapse,
  signSubmission,
  statusCheck,
  storeUser,
  submitResults,
  verifySubmission,
} from "@turntable/bittensor/synapse";
import { axonSdkVersions, ensureEnvironment } from "./environments.ts";
import { type Peer, startPeer } from "./peer.ts";

await ready();
const alice = keypairFromUri("//Alice");
const bob = keypairFromUri("//Bob");
const consent = "I am a stand-in for the consent text. ";
const prompt = 'a красный teapot 茶壶 🫖, “déjà vu” \\ / "x"\t';
const task = { type: "text", id: "2f6b0c0e-7f6d-4a0b-9d33-0c7a3c0a6c11", prompt };
const feedback = {
  validation_failed: false,
  task_fidelity_score: 0.75,
  average_fidelity_score: 1,
  generations_within_8_hours: 7,
  generations_within_the_window: 7,
  current_duel_rating: 0,
  current_miner_reward: 7,
};

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a Python caller saw, as far as the tests ask. */
interface Told {
  readonly dendrite_status: Json;
  readonly dendrite_message: Json;
  readonly is_success: Json;
  readonly is_blacklist: Json;
  readonly failed_verification: Json;
  readonly synapse: { readonly [field: string]: Json };
}

for (const version of axonSdkVersions) {
  const environment = await ensureEnvironment(version);
  const skip =
    environment.kind === "missing" ? `bittensor ${version}: ${environment.reason}` : false;
  const isLegacy = version.startsWith("6.");

  describe(`bittensor ${version}`, { skip }, () => {
    let peer: Peer;
    before(async () => {
      if (environment.kind === "ready") {
        peer = await startPeer(environment);
      }
    });
    after(async () => peer?.[Symbol.asyncDispose]());

    /** One call (or several of one dendrite) of Python's Alice to an axon of ours. */
    const theyCall = async (
      routes: readonly AxonRoute[],
      command: { readonly [name: string]: Json },
    ): Promise<readonly Told[]> => {
      await using axon = await startAxon({
        hotkey: bob,
        host: "127.0.0.1",
        port: 0,
        nonces: createNonceMemory(),
        routes,
      });
      const told = await peer.ask({
        op: "call",
        uri: "//Alice",
        target: { ip: "127.0.0.1", port: axon.port, hotkey: bob.ss58 },
        ...command,
      });
      assert.ok(Array.isArray(told));
      return told as unknown as readonly Told[]; // the peer's own form
    };
    const oneOf = async (
      routes: readonly AxonRoute[],
      command: { readonly [name: string]: Json },
    ): Promise<Told> => {
      const [told] = await theyCall(routes, command);
      assert.ok(told !== undefined);
      return told;
    };
    const pulling = (handler: Partial<AxonHandler<typeof pullTask>> = {}): readonly AxonRoute[] => [
      route(pullTask, { handle: () => ({ task, submit_before: 5 }), ...handler }),
    ];
    const aliceIsTold = (told: Told, status: number, message: string | RegExp): void => {
      assert.equal(told.dendrite_status, status);
      if (typeof message === "string") {
        assert.equal(told.dendrite_message, message);
      } else {
        assert.match(String(told.dendrite_message), message);
      }
    };

    describe("their dendrite, our axon", () => {
      it("pings", async () => {
        const told = await oneOf([], { class: "Synapse", generation: "2024" });
        aliceIsTold(told, 200, "Success");
        assert.equal(told.is_success, true);
      });

      for (const protocolYear of ["2024", "2025"]) {
        it(`pulls a task of ${protocolYear}, and hears that there is none`, async () => {
          const told = await oneOf(pulling(), { class: "PullTask", generation: protocolYear });
          aliceIsTold(told, 200, "Success");
          const got = told.synapse.task;
          assert.ok(isJsonObject(got));
          assert.equal(got.prompt, prompt);
          assert.equal(got.id, task.id);
          const none = await oneOf(pulling({ handle: () => ({ task: null }) }), {
            class: "PullTask",
            generation: protocolYear,
          });
          aliceIsTold(none, 200, "Success");
          assert.equal(none.synapse.task, null);
        });

        it(`submits results of ${protocolYear}, signed, and reads the feedback`, async () => {
          const submitTime = 1_795_418_845_599_186_267n;
          const facts = { submitTime, prompt, validatorHotkey: bob.ss58 };
          const text = protocolYear === "2025" ? consent : undefined;
          let proven: string | undefined;
          let caller: string | undefined;
          const routes = [
            route(submitResults, {
              handle: ({ hotkey, fields }) => {
                caller = hotkey;
                proven = verifySubmission(
                  { ...facts, submitTime: fields.submit_time, minerHotkey: hotkey },
                  fields.signature,
                  consent,
                );
                assert.equal(fields.results.length, 1_000_000);
                return {
                  feedback: { ...feedback, verdict: "accepted", reason: "" },
                  cooldown_until: 60,
                };
              },
            }),
          ];
          const told = await oneOf(routes, {
            class: "SubmitResults",
            generation: protocolYear,
            timeout: 300,
            fields: {
              ...(protocolYear === "2024"
                ? { task: { id: task.id, prompt } }
                : { task_id: task.id, data_format: "ply", compression: 0 }),
              results: "A".repeat(1_000_000),
              submit_time: submitTime,
              signature: signSubmission(alice, facts, text),
            },
          });
          aliceIsTold(told, 200, "Success");
          assert.equal(proven, protocolYear);
          assert.equal(caller, alice.ss58);
          assert.equal(told.synapse.submit_time, submitTime);
          assert.ok(isJsonObject(told.synapse.feedback));
          assert.equal(told.synapse.feedback.task_fidelity_score, 0.75);
          assert.equal(told.synapse.cooldown_until, 60);
        });
      }

      it("uses the public API and storage, whose bodies are hashed", async () => {
        const asked = await oneOf([route(generate, { handle: () => ({ task_id: "t" }) })], {
          class: "Generate",
          generation: "2024",
          fields: { prompt },
        });
        aliceIsTold(asked, 200, "Success");
        assert.equal(asked.synapse.task_id, "t");
        const checked = await oneOf(
          [route(statusCheck, { handle: () => ({ status: 200, results: "AAAA" }) })],
          { class: "StatusCheck", generation: "2024", fields: { task_id: "t" } },
        );
        assert.equal(checked.synapse.results, "AAAA");
        const told = await oneOf([route(getVersion, { handle: () => ({ version: 45 }) })], {
          class: "GetVersion",
          generation: "2025",
        });
        assert.equal(told.synapse.version, 45);
        const stored = await oneOf([route(storeUser, { handle: () => ({ data_hash: "cid" }) })], {
          class: "StoreUser",
          generation: "2024",
          fields: { encrypted_data: "aGVsbG8=", encryption_payload: "{}", ttl: 31_104_000 },
        });
        aliceIsTold(stored, 200, "Success");
        assert.equal(stored.synapse.data_hash, "cid");
        const retrieved = await oneOf(
          [route(retrieveUser, { handle: () => ({ encrypted_data: "aGVsbG8=" }) })],
          { class: "RetrieveUser", generation: "2024", fields: { data_hash: "cid" } },
        );
        assert.equal(retrieved.synapse.encrypted_data, "aGVsbG8=");
      });

      it("is told every refusal in the SDK's words", async () => {
        const pull = { class: "PullTask", generation: "2025" };
        aliceIsTold(
          await oneOf([], pull),
          404,
          /^Synapse name 'PullTask' not found\. Available synapses \['Synapse'\]$/,
        );
        const blocked = await oneOf(pulling({ blacklist: () => "Unrecognized hotkey" }), pull);
        aliceIsTold(blocked, 403, "Forbidden. Key is blacklisted: Unrecognized hotkey.");
        assert.equal(blocked.is_blacklist, true);
        const limited = await oneOf(pulling({ admit: () => "Rate limit" }), pull);
        aliceIsTold(limited, 403, "Forbidden. Key is blacklisted: Rate limit.");
        const fault = await oneOf(
          pulling({
            handle: () => {
              throw new Error("x");
            },
          }),
          pull,
        );
        aliceIsTold(fault, 500, /^Internal Server Error #[0-9a-f-]{36}$/);
        const busy = await oneOf(
          pulling({
            handle: () => {
              throw new AxonError(503, "Try again later");
            },
          }),
          pull,
        );
        aliceIsTold(busy, 503, "Try again later");
      });

      it("is refused a large body without losing the answer", async () => {
        const told = await oneOf(
          [route(submitResults, { blacklist: () => "no", handle: () => ({}) })],
          {
            class: "SubmitResults",
            generation: "2025",
            fields: { results: "A".repeat(30 << 20), submit_time: 1, signature: "" },
          },
        );
        aliceIsTold(told, 403, "Forbidden. Key is blacklisted: no.");
        const tooLarge = await oneOf([route(storeUser, { handle: () => ({}) }), ...pulling()], {
          class: "SubmitResults",
          generation: "2025",
          fields: { results: "A".repeat(2 << 20), submit_time: 1, signature: "" },
        });
        aliceIsTold(tooLarge, 404, /^Synapse name/);
      });

      it("has no nonce accepted twice, nor an old one", async () => {
        const now = BigInt(Date.now()) * 1_000_000n;
        const nonces = [now, now, now + 1n];
        const calls = { class: "PullTask", generation: "2024", times: 3, nonces };
        const [first, again, next] = await theyCall(pulling(), calls);
        assert.ok(first && again && next);
        aliceIsTold(first, 200, "Success");
        aliceIsTold(
          again,
          401,
          isLegacy
            ? "Not Verified with error: Nonce is too small"
            : "Not Verified with error: Nonce is too old, a newer one was last processed",
        );
        assert.equal(again.failed_verification, true);
        aliceIsTold(next, 200, "Success");
        if (isLegacy) {
          return; // its nonces come from an uptime clock, so none is old
        }
        const old = { class: "PullTask", generation: "2024", nonces: [now - 60_000_000_000n] };
        aliceIsTold(
          await oneOf(pulling(), old),
          401,
          /^Not Verified with error: Nonce is too old: acceptable delta is 16\.00 seconds but request was 6\d\.\d\d seconds old$/,
        );
      });

      it("gives up when its time is over", async () => {
        const gone = Promise.withResolvers<void>();
        const told = await oneOf(
          pulling({
            handle: async ({ signal }) => {
              signal.addEventListener("abort", () => gone.resolve());
              await gone.promise;
              return {};
            },
          }),
          { class: "PullTask", generation: "2024", timeout: 0.5 },
        );
        assert.equal(told.dendrite_status, 408);
        await gone.promise;
      });
    });

    describe("our dendrite, their axon", () => {
      const weCall = async <S extends Synapse>(
        synapse: S,
        body: InputOf<S>,
        served: { readonly [name: string]: Json },
      ): Promise<CallOutcome<S>> => {
        const axon = await peer.ask({ op: "serve", uri: "//Bob", generation: "2025", ...served });
        assert.ok(isJsonObject(axon));
        await using dendrite = createDendrite({ hotkey: alice, externalIp: "198.51.100.9" });
        return await dendrite.call(synapse, {
          target: { ip: "127.0.0.1", port: Number(axon.port), hotkey: String(axon.hotkey) },
          body,
        });
      };

      it("pings", async () => {
        assert.equal((await weCall(ping, {}, {})).kind, "ok");
      });

      for (const protocolYear of ["2024", "2025"]) {
        it(`pulls a task of ${protocolYear}`, async () => {
          const theirs = protocolYear === "2024" ? { id: task.id, prompt } : task;
          const outcome = await weCall(
            pullTask,
            {},
            {
              generation: protocolYear,
              replies: { PullTask: { task: theirs } },
            },
          );
          assert.ok(outcome.kind === "ok", `${outcome.status} ${outcome.message}`);
          assert.deepEqual(outcome.fields.task, task);
        });

        it(`submits results of ${protocolYear}`, async () => {
          const { generations_within_8_hours, ...newer } = feedback;
          const older = {
            task_fidelity_score: 0.75,
            average_fidelity_score: 1,
            generations_within_8_hours,
            current_miner_reward: 7,
          };
          const outcome = await weCall(
            submitResults,
            {
              ...(protocolYear === "2024"
                ? { task }
                : { task_id: task.id, data_format: "ply", compression: 0 }),
              results: "A".repeat(3_000_000),
              submit_time: 1_795_418_845_599_186_267n,
              signature: "c2ln",
            },
            {
              generation: protocolYear,
              replies: {
                SubmitResults: {
                  results: "",
                  feedback: protocolYear === "2024" ? older : newer,
                  cooldown_until: 60,
                },
              },
            },
          );
          assert.ok(outcome.kind === "ok", `${outcome.status} ${outcome.message}`);
          const { fields } = outcome;
          assert.equal(fields.submit_time, 1_795_418_845_599_186_267n);
          assert.equal(fields.cooldown_until, 60);
        });
      }

      it("stores with a hashed body", async () => {
        const outcome = await weCall(
          storeUser,
          { encrypted_data: "aGVsbG8=", encryption_payload: '{"naïve": "茶"}' },
          { replies: { StoreUser: { data_hash: "cid" } } },
        );
        assert.ok(outcome.kind === "ok", `${outcome.status} ${outcome.message}`);
        assert.equal(outcome.fields.data_hash, "cid");
      });

      it("is told every refusal", async () => {
        const pull = pullTask;
        const status = async (synapse: Synapse, served: { readonly [name: string]: Json }) => {
          const outcome = await weCall(synapse, synapse === pullTask ? {} : { prompt }, served);
          return `${outcome.status} ${outcome.message}`;
        };
        assert.equal(
          await status(pull, { blacklist: "Unrecognized hotkey" }),
          "403 Forbidden. Key is blacklisted: Unrecognized hotkey.",
        );
        assert.match(await status(pull, { raise: true }), /^500 Internal (S|s)erver (E|e)rror/);
        assert.match(await status(generate, {}), /^404 Synapse name 'Generate' not found/);
      });

      it("is refused when the signature is for another axon", async () => {
        const axon = await peer.ask({ op: "serve", uri: "//Bob", generation: "2025" });
        assert.ok(isJsonObject(axon));
        await using dendrite = createDendrite({ hotkey: alice });
        const outcome = await dendrite.call(pullTask, {
          target: {
            ip: "127.0.0.1",
            port: Number(axon.port),
            hotkey: keypairFromUri("//Eve").ss58,
          },
          body: {},
        });
        assert.equal(outcome.status, 401);
        assert.match(outcome.message ?? "", /^Not Verified with error: Signature mismatch/);
      });
    });

    // 6.9.4 computes weights with torch, which the environment does without
    it("weights come out as theirs, on random rewards", { skip: isLegacy }, async () => {
      const random = seeded(20_261_124);
      const draw = (below: number): number => Math.floor(random() * below);
      const cases = Array.from({ length: 300 }, () => {
        const neurons = 1 + draw(256);
        const weights = Array.from({ length: neurons }, () =>
          random() < 0.5 ? 0 : random() * 100,
        );
        return {
          uids: Array.from({ length: neurons }, (_, uid) => uid),
          weights,
          num_neurons: neurons,
          min_allowed_weights: draw(3) === 0 ? draw(20) : 1,
          max_weight_limit_u16: draw(2) === 0 ? 65535 : 300 + draw(60_000),
          exclude_quantile: draw(4) === 0 ? draw(65_536) : 0,
        };
      });
      const theirs = await peer.ask({
        op: "process_weights",
        cases: cases.map((entry) => ({
          ...entry,
          max_weight_limit: entry.max_weight_limit_u16 / 65535,
        })),
      });
      assert.ok(Array.isArray(theirs));
      for (const [index, entry] of cases.entries()) {
        const { emit } = theirs[index] as unknown as {
          emit: { uids: number[]; weights: number[] };
        };
        const ours = weightsForChain(entry, {
          neurons: entry.num_neurons,
          minAllowedWeights: entry.min_allowed_weights,
          maxWeightsLimit: entry.max_weight_limit_u16,
          excludeQuantile: entry.exclude_quantile,
        });
        const expected = new Map(emit.uids.map((uid, place) => [uid, emit.weights[place] ?? 0]));
        const got = new Map(ours.uids.map((uid, place) => [uid, ours.weights[place] ?? 0]));
        for (const uid of new Set([...expected.keys(), ...got.keys()])) {
          assert.ok(
            Math.abs((expected.get(uid) ?? 0) - (got.get(uid) ?? 0)) <= 1,
            `case ${index}, uid ${uid}: ${JSON.stringify(entry)}`,
          );
        }
      }
    });

    describe("key files", () => {
      it("of ours are read by theirs", async () => {
        const folder = await mkdtemp(join(tmpdir(), "interop-keys-"));
        const path = join(folder, "ours");
        const key = await createHotkeyFile(path);
        const read = await peer.ask({ op: "read_key", path });
        assert.ok(isJsonObject(read));
        assert.equal(read.ss58, key.ss58);
        const signature = Buffer.from(String(read.signature).slice(2), "hex");
        assert.ok(verifySignature("proof", signature, key.ss58));
      });

      it("of theirs are read by ours", async () => {
        const folder = await mkdtemp(join(tmpdir(), "interop-keys-"));
        const path = join(folder, "theirs");
        const mnemonic = createMnemonic();
        await peer.ask({ op: "write_key", path, mnemonic });
        assert.equal((await loadHotkey(path)).ss58, keypairFromMnemonic(mnemonic).ss58);
        assert.equal((await stat(path)).mode & 0o777, 0o600);
      });

      it("with encryption are read both ways", async () => {
        const folder = await mkdtemp(join(tmpdir(), "interop-keys-"));
        const mnemonic = createMnemonic();
        const password = "throwaway-Test-pw-1";
        const ours = join(folder, "ours");
        await writeFile(ours, await encryptKeyFile(keyFileText(mnemonic), password), {
          mode: 0o600,
        });
        const read = await peer.ask({ op: "read_key", path: ours, password });
        assert.ok(isJsonObject(read));
        assert.equal(read.ss58, keypairFromMnemonic(mnemonic).ss58);
        const theirs = join(folder, "theirs");
        await peer.ask({ op: "write_key", path: theirs, mnemonic, password });
        assert.ok(readFileSync(theirs).subarray(0, 5).toString() === "$NACL");
        const opened = await openKeyFile(theirs, { passwords: [password] });
        assert.equal(opened.keypair?.ss58, keypairFromMnemonic(mnemonic).ss58);
      });

      it("make signatures that both verify", async () => {
        const message = "naïve 茶";
        const signature = `0x${Buffer.from(alice.sign(message)).toString("hex")}`;
        assert.deepEqual(await peer.ask({ op: "verify", ss58: alice.ss58, message, signature }), {
          valid: true,
        });
      });
    });
  });
}
