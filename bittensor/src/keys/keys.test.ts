import assert from "node:assert/strict";
import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import {
  createHotkeyFile,
  isSs58,
  KeyFileError,
  keypairFromMnemonic,
  keypairFromUri,
  loadHotkey,
  parseKeyFile,
  ready,
  ss58Of,
  verifySignature,
} from "./index.ts";

const phrase = "abandon amount liar amount expire adjust cage candy arch gather drum buyer";
const ss58 = "5CfXWF2iCVFY98VcMCzXGS2VKM8pHk8gfAVyVxgCu4A1rMhM";
const seed = "0x04b5bee44e4b039a7507f89e21d28ec153f0b47da43483a2a9f80afe092619b2";

before(ready);

describe("key pairs", () => {
  it("derive development keys from URIs and phrases", () => {
    assert.equal(
      keypairFromUri("//Alice").ss58,
      "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    );
    assert.equal(keypairFromMnemonic(phrase).ss58, ss58);
    assert.equal(keypairFromUri(seed).ss58, ss58);
    assert.equal(keypairFromMnemonic(`  ${phrase.toUpperCase().replace(" ", "  ")}\n`).ss58, ss58);
  });

  it("sign what they verify, wrapped or not, and nothing else", () => {
    const alice = keypairFromUri("//Alice");
    assert.ok(verifySignature("naïve 茶", alice.sign("naïve 茶"), alice.ss58));
    assert.ok(verifySignature("m", alice.sign("<Bytes>m</Bytes>"), alice.ss58));
    assert.ok(!verifySignature("m", alice.sign("<Bytes>m</Bytes>"), alice.ss58, "bare"));
    assert.ok(verifySignature("m", alice.sign("m"), alice.ss58, "bare"));
    assert.ok(!verifySignature("<Bytes>m</Bytes>", alice.sign("m"), alice.ss58));
    assert.ok(!verifySignature("n", alice.sign("m"), alice.ss58));
    assert.ok(!verifySignature("m", alice.sign("m"), ss58));
    assert.ok(!verifySignature("m", alice.sign("m").subarray(0, 63), alice.ss58));
    assert.ok(!verifySignature("m", new Uint8Array(64), alice.ss58));
    assert.ok(!verifySignature("m", new Uint8Array(64).fill(0xff), alice.ss58));
    assert.ok(!verifySignature("m", alice.sign("m"), "nobody"));
  });

  it("never show their secret", () => {
    const shown = JSON.stringify(keypairFromMnemonic(phrase)) + String(keypairFromMnemonic(phrase));
    assert.ok(!shown.includes("secret") && !shown.includes("abandon"));
  });

  it("refuse broken phrases without repeating them", () => {
    assert.throws(
      () => keypairFromMnemonic(phrase.replace(" buyer", "")),
      (error: Error) => !error.message.includes("amount"),
    );
  });
});

describe("addresses", () => {
  it("need the right prefix, checksum and length", () => {
    const key = keypairFromUri("//Bob").publicKey;
    assert.ok(isSs58(ss58Of(key)));
    assert.ok(!isSs58("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5")); // Alice with Polkadot's prefix 0
    assert.ok(!isSs58("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"));
    assert.ok(!isSs58("0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"));
    assert.ok(!isSs58(""));
    assert.ok(!isSs58("5".repeat(10_000)));
  });
});

describe("key files", () => {
  it("are created once, for their owner alone, and load again", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "keys-")), "default");
    const created = await createHotkeyFile(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await loadHotkey(path)).ss58, created.ss58);
    const written = await readFile(path, "utf8");
    assert.ok(!written.endsWith("\n"));
    const fields: unknown = JSON.parse(written);
    assert.ok(typeof fields === "object" && fields !== null);
    for (const value of Object.values(fields)) {
      assert.equal(typeof value, "string");
    }
    assert.deepEqual(Object.keys(fields), [
      "accountId",
      "publicKey",
      "secretPhrase",
      "secretSeed",
      "ss58Address",
    ]);
    await assert.rejects(createHotkeyFile(path), KeyFileError);
    assert.equal(await readFile(path, "utf8"), written);
  });

  it("say what is wrong, with the path and without the secret", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keys-"));
    const failure = async (text: string): Promise<string> => {
      const path = join(folder, "key");
      await writeFile(path, text);
      const error = await loadHotkey(path).then(
        () => assert.fail(`loaded ${text}`),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof KeyFileError);
      assert.ok(error.message.startsWith(path));
      return error.message;
    };
    assert.match(await failure('{"secretPhrase": "abandon amount'), /not JSON/);
    assert.ok(!(await failure('{"secretPhrase": "abandon amount')).includes("abandon"));
    assert.match(await failure("[]"), /not a JSON object/);
    assert.match(await failure(""), /is empty$/);
    assert.match(await failure("{}"), /neither a secret nor an address/);
    assert.match(await failure(`{"ss58Address":"${ss58}"}`), /public key only/);
    assert.match(await failure("$NACLxxxx"), /encrypted \(NaCl\)/);
    assert.match(await failure("$ANSIBLE_VAULT;1.1;AES256\n00"), /encrypted \(Ansible Vault\)/);
    assert.match(await failure("gAAAAABlU_EA"), /encrypted \(Fernet\)/);
    assert.match(await failure(`{"secretSeed":"0x12"}`), /hex of the right length/);
    assert.match(await failure(`{"secretSeed":"${seed}","cryptoType":0}`), /not sr25519/);
    await assert.rejects(
      loadHotkey(join(folder, "absent")),
      /there is no such file; in .* there is: key$/,
    );
  });

  it("whose parts belong to different keys are refused", () => {
    const bob = keypairFromUri("//Bob").ss58;
    assert.throws(
      () => parseKeyFile(JSON.stringify({ secretPhrase: phrase, ss58Address: bob })),
      /different keys/,
    );
    assert.throws(
      () => parseKeyFile(JSON.stringify({ secretSeed: seed, ss58Address: bob })),
      /different keys/,
    );
  });
});
