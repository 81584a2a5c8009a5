import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decryptKeyFile, encryptionOf, encryptKeyFile } from "./encryption.ts";
import { KeyError } from "./keypair.ts";
import { passwordsIn, passwordValue, passwordVariable } from "./password.ts";

describe("encrypted key files", () => {
  it("come back as they went", async () => {
    const sealed = await encryptKeyFile('{"a":1}', "pässword");
    assert.equal(encryptionOf(sealed), "NaCl");
    assert.equal(await decryptKeyFile(sealed, "pässword"), '{"a":1}');
  });

  it("that are cut off, of an unknown kind or locked by another password are errors", async () => {
    for (const text of [
      "$NACLabc",
      "gAAAAAabc",
      "$ANSIBLE_VAULT;2.0;X\n00",
      "plain",
      "$ANSIBLE_VAULT;1.1;AES256\nzz",
    ]) {
      await assert.rejects(decryptKeyFile(Buffer.from(text), "x"), KeyError, text);
    }
  });
});

describe("passwords in the environment", () => {
  const path = "/DIR/My.Wallet-1/coldkey";

  it("have the variable that wallets use", () => {
    assert.equal(passwordVariable(path), "BT_PW__DIR_MY_WALLET-1_COLDKEY");
  });

  it("are read in the forms of all versions", () => {
    const name = passwordVariable(path);
    const password = "thröwaway-Test-pw-1";
    const base64 = passwordValue(path, password);
    assert.deepEqual(passwordsIn({ [name]: base64 }, path, "My.Wallet-1")[0], password);
    const raw = Buffer.from(base64, "base64").toString("latin1");
    const ascii = passwordValue(path, "abc");
    assert.ok(
      passwordsIn({ [name]: Buffer.from(ascii, "base64").toString() }, path, "w").includes("abc"),
    );
    assert.ok(raw.length > 0);
    assert.deepEqual(passwordsIn({ BT_COLD_PW_MY_W: "plain" }, path, "my-w"), ["plain"]);
    assert.deepEqual(passwordsIn({ "BT_COLD_PW_MY-W": "plain" }, path, "my-w"), ["plain"]);
    assert.deepEqual(passwordsIn({ BT_COLD_PW_OTHER: "plain" }, path, "my-w"), []);
  });
});
