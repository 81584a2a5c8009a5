/** Which GPU `--gpu` means. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceError } from "./errors.ts";
import { chooseGpu } from "./library.ts";

const [fast, slow] = ["NVIDIA RTX 4090", "Intel Arc A770"];

test("an index or a part of a name chooses", () => {
  assert.equal(chooseGpu([fast, slow], "1"), slow);
  assert.equal(chooseGpu([fast, slow], "rtx"), fast);
});

const refused: readonly [string, readonly string[], string, RegExp][] = [
  ["no index", [fast, slow], "2", /no GPU fits --gpu 2; there are 0 NVIDIA RTX 4090, 1 Intel/],
  ["no name", [], "rtx", /no GPU fits --gpu rtx; there is none/],
  ["two names", [fast, slow], "a", /--gpu a fits NVIDIA RTX 4090 and Intel Arc A770; name one/],
  ["one of two alike", [fast, fast], "1", /2 GPUs .* by name alone; .* NVIDIA_VISIBLE_DEVICES/],
  ["one whose name another has in it", [`${fast} Ti`, fast], "1", /2 GPUs whose names contain/],
];

for (const [what, names, wanted, message] of refused) {
  test(`${what} is refused, and why is said`, () => {
    assert.throws(
      () => chooseGpu(names, wanted),
      (error) => {
        assert.ok(error instanceof DeviceError && error.code === "unavailable");
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
