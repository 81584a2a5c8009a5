import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it, type TestContext } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { AxonError } from "@turntable/bittensor/axon";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { verifySubmission } from "@turntable/bittensor/synapse";
import { registerTracing } from "@turntable/process";
import { readAsset } from "@turntable/splat";
import {
  createClock,
  done,
  farAhead,
  feedback,
  type Generator,
  mine,
  nextTask,
  type Submitted,
  smallPly,
  startGenerator,
  startScorer,
  startValidator,
  task,
  type Validator,
  type ValidatorRules,
} from "../test/subnet.ts";
import { seedFor } from "./generation.ts";
import type { MinerOptions } from "./miner.ts";
import { createScorer } from "./quality.ts";
import { openMinerStore } from "./store/index.ts";
import type { QualityOptions } from "./task.ts";

before(ready);
const tracing = registerTracing();
after(() => tracing[Symbol.dispose]());

const ply = smallPly();
const nothing = { task: null, cooldown_until: farAhead };

/** A miner, one validator that gives its task once (unless told otherwise), and a generator. */
async function start(
  t: TestContext,
  rules: Partial<ValidatorRules> = {},
  {
    clock = createClock(),
    ...options
  }: Partial<MinerOptions> & {
    readonly generator?: Generator;
    readonly clock?: ReturnType<typeof createClock>;
  } = {},
) {
  const validator: Validator = await startValidator(
    t,
    { pull: () => (validator.pulls.length > 1 ? nothing : { task }), ...rules },
    clock,
  );
  const generator = options.generator ?? (await startGenerator(t, () => ply));
  const running = await mine(t, {
    validators: async () => [validator.target],
    generateUrl: generator.url,
    timing: clock,
    ...options,
  });
  return { clock, validator, generator, running };
}

function signatureForm(fields: Submitted | undefined, validator: Validator, consentText?: string) {
  assert.ok(fields);
  return verifySubmission(
    {
      submitTime: fields.submit_time,
      prompt: task.prompt,
      validatorHotkey: validator.target.hotkey,
      minerHotkey: keypairFromUri("//Alice").ss58,
    },
    fields.signature,
    consentText,
  );
}

describe("a task", () => {
  it("is pulled, generated, signed and submitted, and told in one line", async (t) => {
    const { clock, validator, generator, running } = await start(t);
    const line = await done(running);
    assert.deepEqual(generator.prompts, [task.prompt]);
    const seed = seedFor("task-1", keypairFromUri("//Alice").ss58);
    assert.deepEqual(generator.seeds, [String(seed)]);
    const [fields] = validator.submissions;
    assert.ok(fields);
    assert.deepEqual(Buffer.from(fields.results, "base64"), ply);
    assert.deepEqual(
      [fields.task_id, fields.task?.id, fields.data_format, fields.data_ver, fields.compression],
      ["task-1", "task-1", "ply", 0, 0],
    );
    assert.equal(fields.submit_time, BigInt(validator.pulls[0] ?? 0) * 1_000_000n);
    assert.equal(signatureForm(fields, validator), "2024");
    assert.equal(line.outcome, "accepted");
    assert.equal(line.task_id, "task-1");
    assert.equal(line.fidelity, 1);
    assert.equal(line.size_bytes, ply.length);
    assert.match(String(line.trace_id), /^[0-9a-f]{32}$/);
    assert.equal(running.miner.trouble(), undefined);
    assert.ok(clock.now() >= (validator.pulls[0] ?? Number.POSITIVE_INFINITY));
  });

  it("is signed with the consent text and sent as SPZ to validators of 2025", async (t) => {
    const consentText = "I agree to everything.";
    const { validator, running } = await start(t, {}, { consentText, packing: "spz" });
    await done(running);
    const [fields] = validator.submissions;
    assert.equal(signatureForm(fields, validator, consentText), "2025");
    assert.deepEqual([fields?.data_format, fields?.compression], ["ply", 2]);
    const splat = await readAsset(Buffer.from(fields?.results ?? "", "base64"));
    assert.equal(splat.count, 8);
  });

  it("is linted first: what would be found is a warning, and it is sent all the same", async (t) => {
    const { validator, running } = await start(t);
    const warning = await running.logged(({ msg }) => msg === "the asset has faults");
    assert.equal(warning.prompt, task.prompt);
    assert.match(String(warning.findings), /^error count: 8 splats are too few/);
    await done(running);
    assert.equal(validator.submissions.length, 1);
  });

  it("is sent within zstd when so configured", async (t) => {
    const { validator, running } = await start(t, {}, { packing: "zstd" });
    await done(running);
    const [fields] = validator.submissions;
    assert.equal(fields?.compression, 1);
    assert.deepEqual(zstdDecompressSync(Buffer.from(fields?.results ?? "", "base64")), ply);
  });

  it("with a picture is given back without troubling the generator", async (t) => {
    const pull = () => ({ task: { ...task, type: "image" }, cooldown_until: 0 });
    const { validator, generator, running } = await start(t, { pull });
    const line = await done(running);
    assert.equal(line.outcome, "not-generated");
    assert.equal(validator.submissions[0]?.results, "");
    assert.deepEqual(generator.prompts, []);
  });

  it("is told as what it came to, also by validators that have no word for it", async (t) => {
    const cases = [
      [{ ...feedback, task_fidelity_score: 0 }, "rejected"],
      [{ ...feedback, validation_failed: true }, "system-fault"],
      [{ ...feedback, verdict: "invalid-asset", reason: "truncated" }, "invalid-asset"],
    ] as const;
    for (const [given, outcome] of cases) {
      const { running } = await start(t, {
        submit: () => ({ feedback: given, cooldown_until: farAhead }),
      });
      assert.equal((await done(running)).outcome, outcome);
    }
  });
});

describe("a submission", () => {
  it("is repeated unchanged, ten seconds apart, while there is no feedback", async (t) => {
    const { clock, validator, running } = await start(t, { submit: () => ({ feedback: null }) });
    const line = await done(running);
    assert.equal(line.outcome, "unanswered");
    assert.equal(line.reason, "the validator gave no feedback");
    assert.equal(validator.submissions.length, 3);
    assert.equal(new Set(validator.submissions.map((s) => s.signature)).size, 1);
    assert.equal(new Set(validator.submissions.map((s) => s.submit_time)).size, 1);
    assert.deepEqual(clock.pauses.slice(0, 2), [10_000, 10_000]);
  });

  it("ends with the first feedback", async (t) => {
    const { validator, running } = await start(t, {
      submit() {
        if (validator.submissions.length === 1) {
          throw new Error("the validator has a bug");
        }
        return { feedback, cooldown_until: farAhead };
      },
    });
    assert.equal((await done(running)).outcome, "accepted");
    assert.equal(validator.submissions.length, 2);
  });

  it("is not repeated when the validator said no", async (t) => {
    const { validator, running } = await start(t, {
      submit() {
        throw new AxonError(413, "too large");
      },
    });
    const line = await done(running);
    assert.match(String(line.reason), /^413 /);
    assert.equal(validator.submissions.length, 1);
  });
});

describe("generation", () => {
  it("that fails gives the task back, and the pauses grow until it works again", async (t) => {
    let failures = 5;
    const tries: number[] = [];
    const clock = createClock();
    const generator = await startGenerator(t, (_prompt, response) => {
      tries.push(clock.now());
      if (failures-- <= 0) {
        return ply;
      }
      response.writeHead(503).end("no GPU");
      return undefined;
    });
    const { validator, running } = await start(
      t,
      {
        pull: () => ({ task: nextTask() }),
        submit: () => ({ feedback, cooldown_until: Math.floor(clock.now() / 1000) + 2 }),
      },
      { generator, clock },
    );
    const first = await done(running);
    assert.equal(first.outcome, "not-generated");
    assert.equal(first.reason, "the generation endpoint answered 503: no GPU");
    assert.match(running.miner.trouble() ?? "", /answered 503/);
    await running.logged((line) => line.outcome === "accepted");
    assert.deepEqual(
      validator.submissions.slice(0, 6).map((s) => s.results === ""),
      [true, true, true, true, true, false],
    );
    const gaps = tries.slice(1).map((at, place) => at - (tries[place] ?? 0));
    for (const [place, leastMs] of [5_000, 10_000, 20_000, 40_000, 60_000].entries()) {
      assert.ok((gaps[place] ?? 0) >= leastMs, `${gaps[place]} ms after failure ${place + 1}`);
    }
    assert.equal(running.miner.trouble(), undefined);
  });

  it("that makes no asset gives the task back", async (t) => {
    const generator = await startGenerator(t, () => Buffer.from("a text"));
    const { validator, running } = await start(t, {}, { generator });
    const line = await done(running);
    assert.match(String(line.reason), /no PLY, SPZ or HDF5/);
    assert.equal(validator.submissions[0]?.results, "");
  });

  it("is ended before the deadline, however little time is left", async (t) => {
    const generator = await startGenerator(t, () => undefined);
    // An odd number of ms is left: half of it is no whole number.
    const clock = createClock(1_700_000_000_000 - 101);
    const submitBefore = 1_700_000_000;
    const validator: Validator = await startValidator(
      t,
      {
        pull: () => (validator.pulls.length > 1 ? nothing : { task, submit_before: submitBefore }),
      },
      clock,
    );
    const running = await mine(t, {
      validators: async () => [validator.target],
      generateUrl: generator.url,
      timing: clock,
    });
    const line = await done(running);
    assert.equal(line.reason, "not generated within 0 s");
    assert.equal(validator.submissions[0]?.results, "");
  });
});

describe("an asset that is scored before it is sent", () => {
  /** A miner whose assets get these scores, one after the other; undefined is a fault of the scorer's. */
  async function scored(
    t: TestContext,
    scores: readonly (number | undefined)[],
    otherwise: QualityOptions["otherwise"],
    deadlineS = 1_700_000_600,
  ) {
    const generator = await startGenerator(t, () => smallPly(8 + generator.seeds.length));
    const prompts: unknown[] = [];
    const scorer = await startScorer(t, (body) => {
      prompts.push(body.prompt);
      return scores[prompts.length - 1];
    });
    const quality = { scorer: createScorer(scorer, 5_000), leastScore: 0.6, otherwise };
    const pull = () => ({ task: nextTask(), submit_before: deadlineS });
    const { validator, running } = await start(t, { pull }, { generator, quality });
    const line = await done(running);
    return { line, generator, prompts, submission: validator.submissions[0], running };
  }

  it("and is good enough is sent", async (t) => {
    const { line, prompts, submission } = await scored(t, [0.6], "give-back");
    assert.deepEqual([line.outcome, line.score], ["accepted", 0.6]);
    assert.deepEqual(prompts, [task.prompt]);
    assert.notEqual(submission?.results, "");
  });

  it("and is not is generated again with another seed, until it is", async (t) => {
    const { line, generator, submission } = await scored(t, [0.1, 0.2, 0.7], "give-back");
    assert.deepEqual([line.outcome, line.score], ["accepted", 0.7]);
    assert.equal(new Set(generator.seeds).size, 3);
    assert.deepEqual(Buffer.from(submission?.results ?? "", "base64"), smallPly(11));
  });

  it("is given back when time does not allow another try", async (t) => {
    const { line, submission } = await scored(t, [0.1], "give-back", 1_700_000_000);
    assert.equal(line.outcome, "not-generated");
    assert.match(String(line.reason), /time was over|scored 0.100 before sending, below 0.6/);
    assert.ok(submission === undefined || submission.results === "");
  });

  it("is sent without a score when the scorer is in trouble", async (t) => {
    const { line, running } = await scored(t, [undefined], "give-back");
    assert.deepEqual([line.outcome, line.score], ["accepted", undefined]);
    await running.logged(({ msg }) => msg === "the asset is sent without a score");
  });
});

describe("a start", () => {
  it("sends what an earlier one has signed, as it was, and carries on what it was making", async (t) => {
    const clock = createClock();
    const store = openMinerStore(undefined);
    t.after(() => store[Symbol.dispose]());
    const validator: Validator = await startValidator(t, { pull: () => nothing }, clock);
    const { target } = validator;
    const pulled = {
      target,
      prompt: task.prompt,
      pulledAt: clock.now(),
      deadline: 1_700_000_600_000,
    };
    const signed = store.outbox.take({ ...pulled, id: "signed" });
    assert.ok(signed.kind === "generating");
    const asset = { bytes: ply, format: "ply", compression: 0 } as const;
    const made = { round: 0, bytes: ply, endpoint: "", generateMs: 1, score: undefined };
    const submission = { asset, submitTime: 12n, signature: "c2ln", sends: 1 };
    store.outbox.signed(store.outbox.generated(signed, made), submission);
    store.outbox.take({ ...pulled, id: "in the making" });
    store.outbox.take({ ...pulled, id: "too late", deadline: clock.now() - 1 });
    const generator = await startGenerator(t, () => ply);
    const options = { validators: async () => [target], generateUrl: generator.url };
    const running = await mine(t, { ...options, store, timing: clock });
    await done(running, 3);
    const sent = new Map(validator.submissions.map((fields) => [fields.task_id, fields]));
    assert.deepEqual([...sent.keys()].toSorted(), ["in the making", "signed"]);
    assert.deepEqual(
      [sent.get("signed")?.submit_time, sent.get("signed")?.signature],
      [12n, "c2ln"],
    );
    assert.equal(generator.prompts.length, 1);
    const late = running.log.find(
      ({ msg, task_id }) => msg === "task done" && task_id === "too late",
    );
    assert.equal(late?.outcome, "not-generated");
    assert.deepEqual(store.outbox.unfinished(), []);
  });

  it("keeps to the cooldowns that an earlier one was told", async (t) => {
    const clock = createClock();
    const store = openMinerStore(undefined);
    t.after(() => store[Symbol.dispose]());
    const asked = Promise.withResolvers<void>();
    const pull = () => {
      asked.resolve();
      return nothing;
    };
    const validator = await startValidator(t, { pull }, clock);
    store.validators.rest(validator.target, clock.now() + 90_000);
    const generator = await startGenerator(t, () => ply);
    const { target } = validator;
    const options = { validators: async () => [target], generateUrl: generator.url };
    await mine(t, { ...options, store, timing: clock });
    await asked.promise;
    assert.ok((validator.pulls[0] ?? 0) >= 1_700_000_090_000);
  });
});

it("a task with less time left than generating takes is given back at once", async (t) => {
  const clock = createClock();
  const store = openMinerStore(undefined);
  t.after(() => store[Symbol.dispose]());
  const generator = await startGenerator(t, () => ply);
  store.generations.add(generator.url, 1, 100_000, "");
  const submitBefore = 1_700_000_150;
  const pull = () => ({ task: nextTask(), submit_before: submitBefore });
  const { running } = await start(t, { pull }, { generator, store, clock });
  const line = await done(running);
  assert.equal(line.reason, "generating takes 100 s and only 90 s are left");
  assert.deepEqual(generator.prompts, []);
});

it("a task that one endpoint fails at is made by another", async (t) => {
  const broken = await startGenerator(t, (_prompt, response) => {
    response.writeHead(500).end("CUDA out of memory");
    return undefined;
  });
  const good = await startGenerator(t, () => ply);
  const { running } = await start(t, {}, { endpoints: [{ url: broken.url }, { url: good.url }] });
  assert.equal((await done(running)).outcome, "accepted");
  assert.deepEqual([broken.prompts.length, good.prompts.length], [1, 1]);
});

it("a validator that has a fault of its own is tried until the deadline", async (t) => {
  const clock = createClock();
  const { validator, running } = await start(
    t,
    {
      pull: () => ({ task: nextTask(), submit_before: 1_700_000_100 }),
      submit() {
        throw new AxonError(503, "later");
      },
    },
    { clock },
  );
  const line = await done(running);
  assert.deepEqual([line.outcome, line.reason], ["unreachable", "503 later"]);
  assert.ok(validator.submissions.length > 3);
  assert.ok(clock.now() >= 1_700_000_100_000);
});

describe("validators", () => {
  it("are asked in turn, each after its own cooldown", async (t) => {
    const clock = createClock();
    const enough = Promise.withResolvers<void>();
    const resting = (seconds: number) => (): { task: null; cooldown_until: number } => {
      if (clock.now() > 1_700_000_600_000) {
        enough.resolve();
      }
      return { task: null, cooldown_until: Math.floor(clock.now() / 1000) + seconds };
    };
    const often = await startValidator(t, { pull: resting(30) }, clock, "//Bob");
    const seldom = await startValidator(t, { pull: resting(120) }, clock, "//Charlie");
    const generator = await startGenerator(t, () => ply);
    await mine(t, {
      validators: async () => [often.target, seldom.target],
      generateUrl: generator.url,
      timing: clock,
    });
    await enough.promise;
    const gaps = (pulls: readonly number[]) =>
      pulls.slice(1).map((at, i) => Math.round((at - (pulls[i] ?? 0)) / 1000));
    assert.ok(
      gaps(often.pulls).every((s) => s >= 30),
      String(gaps(often.pulls)),
    );
    assert.ok(
      gaps(seldom.pulls).every((s) => s >= 120),
      String(gaps(seldom.pulls)),
    );
  });

  it("that fail are left alone for a while, and the others go on", async (t) => {
    const clock = createClock();
    const enough = Promise.withResolvers<void>();
    const broken = await startValidator(
      t,
      {
        pull() {
          throw new AxonError(403, "Forbidden");
        },
      },
      clock,
      "//Charlie",
    );
    const { validator, running } = await start(
      t,
      {
        pull() {
          if (broken.pulls.length >= 3 && validator.pulls.length > 3) {
            enough.resolve();
          }
          return { task: null, cooldown_until: Math.floor(clock.now() / 1000) + 10 };
        },
      },
      { validators: async () => [broken.target, validator.target], clock },
    );
    await enough.promise;
    const [first = 0, second = 0, third = 0] = broken.pulls;
    assert.ok(second - first >= 60_000 && third - second >= 120_000, String(broken.pulls));
    assert.ok(validator.pulls.length > 3);
    await running.logged((line) => line.status === 403);
  });

  it("that say nothing of a cooldown get five minutes", async (t) => {
    const again = Promise.withResolvers<void>();
    const { validator } = await start(t, {
      pull() {
        if (validator.pulls.length === 2) {
          again.resolve();
        }
        return { task: null };
      },
    });
    await again.promise;
    const [first = 0, second = 0] = validator.pulls;
    assert.ok(second - first >= 300_000);
  });

  it("that name a cooldown which is over, or is at once, are not asked at once again", async (t) => {
    const generator = await startGenerator(t, () => ply);
    for (const [cooldown, leastMs] of [
      [() => 1, 10_000],
      // Whole seconds are told; the next one begins in 100 ms
      [(now: number) => Math.floor(now / 1000) + 1, 1_000],
    ] as const) {
      const clock = createClock(1_700_000_000_900);
      const asked = Promise.withResolvers<void>();
      const rejected = { ...feedback, task_fidelity_score: 0 };
      const validator: Validator = await startValidator(
        t,
        {
          pull() {
            if (validator.pulls.length === 4) {
              asked.resolve();
            }
            return { task: nextTask() };
          },
          submit: () => ({ feedback: rejected, cooldown_until: cooldown(clock.now()) }),
        },
        clock,
      );
      const { target } = validator;
      const options = { validators: async () => [target], generateUrl: generator.url };
      await mine(t, { ...options, timing: clock });
      await asked.promise;
      for (const [place, at] of validator.pulls.slice(1).entries()) {
        assert.ok(at - (validator.pulls[place] ?? 0) >= leastMs, String(validator.pulls));
      }
    }
  });

  it("that cannot be listed do not end the mining", async (t) => {
    let failures = 2;
    const { validator, running } = await start(
      t,
      {},
      {
        async validators() {
          if (failures-- > 0) {
            throw new Error("the chain is away");
          }
          return [validator.target];
        },
      },
    );
    assert.equal((await done(running)).outcome, "accepted");
    assert.equal(running.log.filter((line) => line.msg === "no validator can be asked").length, 2);
  });

  it("are shared among several generation endpoints, one task each", async (t) => {
    const clock = createClock();
    const stuck = Promise.withResolvers<void>();
    const slow = await startGenerator(t, () => {
      stuck.resolve();
      return undefined;
    });
    const quick = await startGenerator(t, async () => {
      await stuck.promise;
      return ply;
    });
    const tasks = {
      pull: () => ({ task: nextTask() }),
      submit: () => ({ feedback, cooldown_until: 0 }),
    };
    const one = await startValidator(t, tasks, clock, "//Bob");
    const two = await startValidator(t, tasks, clock, "//Charlie");
    const running = await mine(t, {
      validators: async () => [one.target, two.target],
      generateUrl: [slow.url, quick.url],
      timing: clock,
    });
    await done(running, 3);
    assert.equal(slow.prompts.length, 1);
    assert.ok(quick.prompts.length >= 3);
    assert.deepEqual(
      [one.pulls.length, two.pulls.length].sort((a, b) => a - b)[0],
      1,
      "the validator with a task in work is left alone",
    );
  });
});

it("with one endpoint hanging and one answering rubbish, the good ones always have work", async (t) => {
  const rounds = 4;
  const hanging = await startGenerator(t, () => undefined);
  const broken = await startGenerator(t, () => Buffer.from("rubbish"));
  const good = await Promise.all(
    [0, 1].map(async () => {
      const turn = { begun: Promise.withResolvers<void>(), go: Promise.withResolvers<void>() };
      const { url } = await startGenerator(t, async () => {
        const { go } = turn;
        turn.begun.resolve();
        await go.promise;
        return ply;
      });
      return { url, turn };
    }),
  );
  let tooEarly = 0;
  const validators = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      let restsUntil = 0;
      const validator = await startValidator(
        t,
        {
          pull() {
            tooEarly += Date.now() < restsUntil ? 1 : 0;
            return { task: nextTask(), submit_before: Math.floor(Date.now() / 1000) + 600 };
          },
          submit() {
            restsUntil = Math.ceil(Date.now() / 1000) * 1000 + 1_000;
            return { feedback, cooldown_until: restsUntil / 1000 };
          },
        },
        { now: Date.now },
        `//Validator${index}`,
      );
      return validator.target;
    }),
  );
  await mine(t, {
    validators: async () => validators,
    generateUrl: [hanging.url, broken.url, ...good.map(({ url }) => url)],
  });
  for (let round = 0; round < rounds; round++) {
    // Both are at work at the same time, whatever the others do.
    await Promise.all(good.map(({ turn }) => turn.begun.promise));
    for (const { turn } of good) {
      const { go } = turn;
      turn.begun = Promise.withResolvers();
      turn.go = Promise.withResolvers();
      go.resolve();
    }
  }
  assert.equal(tooEarly, 0);
  assert.equal(hanging.prompts.length, 1);
  assert.ok(broken.prompts.length >= 1);
});

describe("a stop", () => {
  it("during generation gives the task back", async (t) => {
    const generating = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const generator = await startGenerator(t, (_prompt, response) => {
      response.once("close", () => left.resolve());
      generating.resolve();
      return undefined;
    });
    const { validator, running } = await start(t, {}, { generator });
    await generating.promise;
    await running.miner[Symbol.asyncDispose]();
    await left.promise;
    assert.equal(validator.submissions.length, 1);
    assert.equal(validator.submissions[0]?.results, "");
  });

  it("lets a submission that is under way go through", async (t) => {
    const arrived = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<void>();
    const { running } = await start(t, {
      async submit() {
        arrived.resolve();
        await verdict.promise;
        return { feedback, cooldown_until: farAhead };
      },
    });
    await arrived.promise;
    const stopped = running.miner[Symbol.asyncDispose]();
    verdict.resolve();
    await stopped;
    assert.equal((await done(running)).outcome, "accepted");
  });

  it("does not wait for what takes too long", async (t) => {
    const arrived = Promise.withResolvers<AbortSignal>();
    const never = new AbortController();
    const { running } = await start(t, {
      async submit() {
        arrived.resolve(never.signal);
        await once(never.signal, "abort");
        return {};
      },
    });
    await arrived.promise;
    await running.miner[Symbol.asyncDispose]();
    never.abort();
    assert.equal(
      running.log.some((line) => line.msg === "task done"),
      false,
    );
  });
});
