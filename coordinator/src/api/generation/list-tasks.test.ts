import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ListTasksRequestSchema } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { callBy, openGeneration, refusedWith } from "../../../test/generation.ts";
import { listTasks } from "./list-tasks.ts";

const request = (pageSize = 0, pageToken = "") =>
  create(ListTasksRequestSchema, { pageSize, pageToken });

test("pages follow each other, newest first, with a token while there is more, own tasks only", async () => {
  using opened = openGeneration();
  const [first, , third] = [opened.create(), opened.create("bob"), opened.create()];
  const handle = listTasks(opened.options);
  const page = await handle(request(1), callBy("alice"));
  assert.deepEqual(
    page.tasks?.map(({ id }) => id),
    [third.id],
  );
  const rest = await handle(request(1, page.nextPageToken), callBy("alice"));
  assert.deepEqual([rest.tasks?.map(({ id }) => id), rest.nextPageToken], [[first.id], ""]);
  const all = await handle(request(), callBy("alice"));
  assert.deepEqual([all.tasks?.length, all.nextPageToken], [2, ""]);
});

test("a token that is none of the caller's is refused, the field named", async () => {
  using opened = openGeneration();
  await assert.rejects(
    async () => listTasks(opened.options)(request(1, "elsewhere"), callBy("alice")),
    refusedWith(statusCodes.INVALID_ARGUMENT, /^page_token/),
  );
});

test("a page has 50 tasks when nothing is said, and 500 at most", async () => {
  using opened = openGeneration();
  const asked: number[] = [];
  const tasks = {
    ...opened.tasks,
    list(_client: string, limit: number) {
      asked.push(limit - 1);
      return [];
    },
  };
  const handle = listTasks({ ...opened.options, tasks });
  for (const size of [0, 7, 501, 2 ** 31 - 1]) {
    await handle(request(size), callBy("alice"));
  }
  assert.deepEqual(asked, [50, 7, 500, 500]);
});
