import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultAxonLimits } from "@turntable/bittensor/axon";
import { ConfigError, loadConfig } from "@turntable/process";
import { defaultSubmissionBytes } from "./axon/index.ts";
import { coordinatorConfig } from "./config.ts";
import { defaultLimits } from "./intake.ts";
import { parseAxonPlace } from "./options.ts";

const alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

function load(...argv: string[]) {
  return loadConfig(coordinatorConfig, { argv, env: {}, readFile: () => assert.fail("no file") });
}

/** What is wrong with the arguments; the flags that each problem names first. */
function problemsOf(...argv: string[]): readonly string[] {
  try {
    load(...argv);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return [];
}

test("exactly one hotkey is asked for", () => {
  assert.match(problemsOf().join(), /^--hotkey-file .*--hotkey-uri, exactly one/);
  assert.match(
    problemsOf("--hotkey-file", "f", "--hotkey-uri", "//Alice").join(),
    /^--hotkey-file .*exactly one/,
  );
  assert.deepEqual(problemsOf("--hotkey-file", "f"), []);
  assert.deepEqual(problemsOf("--hotkey-uri", "//Alice"), []);
});

test("the address to announce is one that somebody can reach, with or without brackets", () => {
  const announce = (ip: string) => ["--hotkey-uri", "//Alice", "--axon-external-ip", ip];
  for (const ip of ["[2001:db8::1]", "2001:db8::1"]) {
    assert.equal(load(...announce(ip)).axon.externalIp, "2001:db8::1");
  }
  assert.match(problemsOf(...announce("axon.example")).join(), /names cannot be announced/);
  for (const ip of ["0.0.0.0", "::", "[::]"]) {
    assert.match(problemsOf(...announce(ip)).join(), /stands for every address/);
  }
});

test("the chain in memory stands alone, and nothing is registered on another", () => {
  const key = ["--hotkey-uri", "//Alice"];
  assert.match(
    problemsOf(...key, "--chain-endpoints", "memory", "--chain-endpoints", "finney").join(),
    /^--chain-endpoints .*memory stands alone/,
  );
  assert.match(
    problemsOf(...key, "--chain-endpoints", "finney", "--chain-register", alice).join(),
    /^--chain-register .*chain in memory only/,
  );
  assert.deepEqual(problemsOf(...key, "--chain-register", alice), []);
  assert.match(problemsOf(...key, "--chain-register", "bob").join(), /not an ss58 address/);
  assert.deepEqual(
    load(...key, "--chain-endpoints", "finney", "--chain-endpoints", "test").chain.endpoints,
    ["finney", "test"],
  );
});

test("the public API is off until it is enabled, and who configured it before is told", () => {
  const key = ["--hotkey-uri", "//Alice"];
  assert.equal(load(...key).api.enabled, false);
  for (const asked of [
    ["--grpc-host", "0.0.0.0"],
    ["--grpc-api-keys-file", "keys"],
    ["--grpc-insecure-open"],
    ["--api-keys-needed"],
  ]) {
    assert.match(problemsOf(...key, ...asked).join(), /^--api-enabled .*off without it$/, asked[0]);
    assert.deepEqual(problemsOf(...key, "--api-enabled", ...asked), [], asked[0]);
  }
  for (const host of ["127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"]) {
    assert.deepEqual(problemsOf(...key, "--grpc-host", host), [], host);
  }
  for (const host of ["10.0.0.1", "::", "localhost.example.com", "::1:2"]) {
    assert.equal(problemsOf(...key, "--grpc-host", host).length, 1, host);
  }
  assert.match(
    problemsOf(...key, "--api-enabled", "--grpc-insecure-open", "--api-keys-needed").join(),
    /^--grpc-insecure-open .*nobody needs a key/,
  );
});

test("TLS has a certificate and a key, and AdminService leaves this machine only with both", () => {
  const key = ["--hotkey-uri", "//Alice"];
  const pair = ["--grpc-tls-cert-file", "c", "--grpc-tls-key-file", "k"];
  assert.deepEqual(problemsOf(...key, ...pair, "--grpc-tls-client-ca-file", "a"), []);
  assert.match(problemsOf(...key, ...pair.slice(2)).join(), /^--grpc-tls-key-file .*go together/);
  assert.match(
    problemsOf(...key, "--grpc-tls-client-ca-file", "a").join(),
    /^--grpc-tls-client-ca-file .*of our own/,
  );
  const admin = [...key, "--admin-enabled", "--admin-host", "0.0.0.0"];
  assert.match(problemsOf(...admin).join(), /^--admin-tls-cert-file .*is needed when/);
  const files = ["--admin-tls-cert-file", "c", "--admin-tls-key-file", "k"];
  assert.deepEqual(problemsOf(...admin, ...files), []);
  const web = [...key, "--admin-web-enabled"];
  assert.deepEqual(problemsOf(...web), []);
  assert.match(
    problemsOf(...web, "--http-host", "0.0.0.0").join(),
    /^--http-tls-cert-file .*operators' keys would travel in the clear/,
  );
  assert.deepEqual(
    problemsOf(
      ...web,
      "--http-host",
      "0.0.0.0",
      "--http-tls-cert-file",
      "c",
      "--http-tls-key-file",
      "k",
    ),
    [],
  );
});

test("limits of the axon fit each other", () => {
  const key = ["--hotkey-uri", "//Alice"];
  assert.match(
    problemsOf(...key, "--limits-connections", "100").join(),
    /--limits-connections-for-known .*leaves strangers no connection/,
  );
  assert.match(
    problemsOf(...key, "--limits-bodies-bytes", "1000000").join(),
    /--limits-submission-bytes .*more than all bodies together/,
  );
  assert.match(
    problemsOf(...key, "--limits-keep-alive-ms", "15000").join(),
    /--limits-keep-alive-ms/,
  );
  const { limits } = load(...key, "--limits-hotkey-per-s", "7");
  // The grace time at a stop has an option of the process.
  const { graceMs: _graceMs, ...ofAxons } = defaultAxonLimits;
  assert.deepEqual(limits, {
    promptChars: 1024,
    openTasks: 1000,
    openTasksOfClient: 250,
    dispatchTries: 8,
    downloads: 16,
    stalledStreamMs: 60_000,
    submissionBytes: defaultSubmissionBytes,
    ...defaultLimits,
    ...ofAxons,
    hotkeyPerS: 7,
  });
});

test("every problem is told at once", () => {
  const flags = problemsOf(
    ...["--grpc-host", "0.0.0.0", "--chain-endpoints", "memory", "--chain-endpoints", "test"],
    ...["--axon-also", "17", "--limits-open-tasks", "0"],
  ).map((problem) => problem.split(" ")[0]);
  assert.deepEqual(flags.toSorted(), [
    "--api-enabled",
    "--axon-also",
    "--chain-endpoints",
    "--hotkey-file",
    "--limits-open-tasks",
  ]);
});

test("an extra axon is NETUID:PORT:HOTKEY_FILE, whatever the file is called", () => {
  assert.deepEqual(parseAxonPlace("29:8092:/keys/a:b"), {
    netuid: 29,
    port: 8092,
    hotkeyFile: "/keys/a:b",
  });
  for (const text of ["", "29:8092", "29:8092:", "65536:1:f", "1:65536:f", "-1:1:f", "a:1:f"]) {
    assert.equal(parseAxonPlace(text), undefined, text);
  }
});

test("the defaults need nothing but a hotkey", () => {
  const config = load("--hotkey-uri", "//Alice");
  assert.deepEqual([config.rules, config.axon.also, config.grpc.host], ["seed", [], "127.0.0.1"]);
  assert.match(config.prompts.file, /resources\/prompts\.txt$/);
});
