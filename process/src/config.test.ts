import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { ConfigError, configHelp, configOptions, configTable, loadConfig } from "./config.ts";

const definition = {
  command: "example",
  summary: "shows the loader",
  schema: z
    .object({
      grpc: z.object({
        listen: z.string().default("127.0.0.1:50051").describe("where the API listens"),
        maxMessageBytes: z.number().int().positive().default(1024).describe("bytes"),
      }),
      hotkeyFile: z.string().describe("wallet file"),
      verbose: z.boolean().default(false).describe("say more"),
      peer: z.array(z.string()).default([]).describe("a peer"),
    })
    .superRefine((config, context) => {
      if (config.verbose && config.peer.length === 0) {
        context.addIssue({ code: "custom", path: ["peer"], message: "needed with --verbose" });
      }
    }),
};

function load(
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) {
      throw new Error("no such file");
    }
    return text;
  };
  return loadConfig(definition, { argv, env, readFile });
}

function problemsOf(...args: Parameters<typeof load>): readonly string[] {
  try {
    load(...args);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return assert.fail("no problem was found");
}

test("a flag wins over a variable, a variable over the file, the file over the default", () => {
  const file = JSON.stringify({ grpc: { listen: "file", maxMessageBytes: 1 }, hotkeyFile: "file" });
  const config = load(
    ["--config", "c.json", "--grpc-listen=flag"],
    { TURNTABLE_GRPC_LISTEN: "env", TURNTABLE_HOTKEY_FILE: "env" },
    { "c.json": file },
  );
  assert.deepEqual(config, {
    grpc: { listen: "flag", maxMessageBytes: 1 },
    hotkeyFile: "env",
    verbose: false,
    peer: [],
  });
});

test("a variable that is empty counts as none, and white space around it not at all", () => {
  const file = { "c.json": '{"grpc": {"listen": "file:1"}}' };
  const argv = ["--hotkey-file", "k", "--config", "c.json"];
  for (const [variable, listen] of [
    ["", "file:1"],
    ["  \n", "file:1"],
    ["env:1\n", "env:1"],
  ] as const) {
    assert.equal(load(argv, { TURNTABLE_GRPC_LISTEN: variable }, file).grpc.listen, listen);
  }
});

test("lists come from repeated flags or a comma", () => {
  assert.deepEqual(load(["--hotkey-file", "k", "--peer", "a", "--peer", "b"]).peer, ["a", "b"]);
  assert.deepEqual(load(["--hotkey-file", "k"], { TURNTABLE_PEER: "a,b" }).peer, ["a", "b"]);
  const mixed = ["--hotkey-file", "k", "--peer", "a, b", "--peer=c"];
  assert.deepEqual(load(mixed).peer, ["a", "b", "c"]);
});

test("reports every problem at once, by flag and variable", () => {
  const problems = problemsOf(
    ["--grpc-max-message-bytes", "many", "--verbose", "--grpc-lisen", "x"],
    {
      TURNTABLE_HOTKEY_FLIE: "k",
      TURNTABLE_SOMETHING_ELSE: "ours to ignore",
    },
  );
  assert.equal(problems.length, 5, problems.join("\n"));
  assert.match(problems[0] ?? "", /--grpc-lisen: unknown argument; did you mean --grpc-listen\?/);
  assert.match(problems[1] ?? "", /--grpc-max-message-bytes .*"many" is not a number/);
  assert.match(problems[2] ?? "", /TURNTABLE_HOTKEY_FLIE: .*TURNTABLE_HOTKEY_FILE/);
  assert.match(problems[3] ?? "", /--hotkey-file \(TURNTABLE_HOTKEY_FILE\): required/);
  assert.match(problems[4] ?? "", /--peer \(TURNTABLE_PEER\): needed with --verbose/);
});

test("rules across fields name the field", () => {
  assert.match(problemsOf(["--verbose", "--hotkey-file", "k"])[0] ?? "", /^--peer .*needed with/);
});

test("rules across fields are told along with what is wrong with other fields", () => {
  const wrong = ["--verbose", "--grpc-max-message-bytes", "-1"];
  assert.deepEqual(
    problemsOf(wrong, {}, {}).map((problem) => problem.split(" ")[0]),
    ["--grpc-max-message-bytes", "--hotkey-file", "--peer"],
  );
  const file = JSON.stringify({ verbose: true, peer: [5] });
  assert.deepEqual(
    problemsOf(["--config", "c.json", "--hotkey-file", "k"], {}, { "c.json": file }).map(
      (problem) => problem.split(" ")[0],
    ),
    ["--peer"],
    "of a field that is wrong itself, only that",
  );
});

test("an unknown key of the file and an unreadable file are problems", () => {
  const args = ["--hotkey-file", "k", "--config", "c.json"];
  assert.match(problemsOf(args, {}, { "c.json": '{"grpc":{"port":1}}' })[0] ?? "", /grpc.port/);
  assert.match(problemsOf(args)[0] ?? "", /c.json: cannot be read/);
});

test("help and table name every option with its default", () => {
  for (const option of configOptions(definition.schema)) {
    assert.ok(configHelp(definition).includes(option.flag));
    assert.ok(configTable(definition).includes(option.variable));
  }
  assert.match(configHelp(definition), /--grpc-listen TEXT +where the API listens \[127/);
});
