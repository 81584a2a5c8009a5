import assert from "node:assert/strict";
import { test } from "node:test";
import { GenerationService } from "@turntable/proto";
import type { Handlers } from "@turntable/proto/rpc";
import { settling } from "./settling.ts";

test("answers and messages of streams wait until what they tell of has settled", async () => {
  const done: string[] = [];
  let isSafe = true;
  const never = async () => assert.fail();
  const handlers = settling(
    GenerationService,
    {
      async createTask() {
        done.push("created");
        return { task: { id: "7" } };
      },
      async *watchTask() {
        done.push("first");
        yield {};
        done.push("second");
        yield {};
      },
      ...{ getTask: never, listTasks: never, getReport: never, cancelTask: never },
      async *downloadAsset() {},
    } as unknown as Handlers<typeof GenerationService, undefined>,
    async () => {
      done.push("settled");
      if (!isSafe) {
        throw new Error("another coordinator leads");
      }
    },
  );
  // Of the requests nothing is read.
  const request = undefined as never;
  assert.deepEqual(await handlers.createTask(request, undefined), { task: { id: "7" } });
  assert.deepEqual(done.splice(0), ["created", "settled"]);
  for await (const _ of handlers.watchTask(request, undefined)) {
    done.push("told");
  }
  assert.deepEqual(done.splice(0), [
    ...["first", "settled", "told"],
    ...["second", "settled", "told", "settled"],
  ]);
  isSafe = false;
  await assert.rejects(handlers.createTask(request, undefined), /another coordinator leads/);
  await assert.rejects(async () => {
    for await (const _ of handlers.watchTask(request, undefined)) {
      assert.fail("told");
    }
  }, /another coordinator leads/);
});
