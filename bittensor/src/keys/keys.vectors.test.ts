import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { readVectors, skip, vectorPath } from "../../test/vectors.ts";
import {
  keypairFromMnemonic,
  keypairFromSecret,
  keypairFromUri,
  parseKeyFile,
  ready,
  verifySignature,
} from "./index.ts";

before(ready);

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replace(/^0x/, ""), "hex");
const proves = (key: { sign(m: string): Uint8Array; ss58: string }): void =>
  assert.ok(verifySignature("proof", key.sign("proof"), key.ss58));

describe("dev-keys.json", { skip }, () => {
  interface DevKeys {
    keys: {
      uri: string;
      ss58: string;
      secretKey64_polkadotjs: string;
      privateKey_btwallet: string;
    }[];
  }
  it("both forms of a secret give the key of the URI", () => {
    for (const key of readVectors<DevKeys>("dev-keys.json").keys) {
      assert.equal(keypairFromUri(key.uri).ss58, key.ss58);
      for (const pair of [
        keypairFromSecret(bytes(key.privateKey_btwallet)),
        keypairFromSecret(bytes(key.secretKey64_polkadotjs), "polkadot"),
      ]) {
        assert.equal(pair.ss58, key.ss58);
        proves(pair);
      }
    }
  });
});

describe("keyfiles/derivation.json", { skip }, () => {
  interface Derivations {
    cases: (Record<string, string> & { mnemonic: string; ss58Address: string })[];
  }
  it("phrases give their keys, and so does each secret alone", () => {
    for (const { mnemonic, ...file } of readVectors<Derivations>("keyfiles", "derivation.json")
      .cases) {
      assert.equal(keypairFromMnemonic(mnemonic).ss58, file.ss58Address);
      for (const name of ["secretPhrase", "secretSeed", "privateKey"]) {
        const { keypair } = parseKeyFile(JSON.stringify({ [name]: file[name] }));
        assert.equal(keypair?.ss58, file.ss58Address);
        proves(keypair);
      }
      assert.equal(parseKeyFile(JSON.stringify(file)).ss58, file.ss58Address);
    }
  });
});

describe("keyfiles/real-*", { skip }, () => {
  interface Expected {
    files: Record<string, { encryption: string | null; ss58: string; canSign: boolean }>;
    signatures: { ss58: string; messageHex: string; signature: string }[];
  }
  const folders = skip
    ? []
    : globSync(vectorPath("keyfiles", "real-*", "expected.json")).map(dirname);
  for (const folder of folders) {
    const expected = skip
      ? undefined
      : readVectors<Expected>("keyfiles", folder.split("/").at(-1) ?? "", "expected.json");
    it(`${folder.split("/").at(-1)}: plain files load with the key that the library saw`, () => {
      for (const [name, facts] of Object.entries(expected?.files ?? {})) {
        const path = join(folder, name);
        if (facts.encryption !== null || !existsSync(path)) continue;
        const file = parseKeyFile(readFileSync(path, "utf8"));
        assert.equal(file.ss58, facts.ss58, name);
        assert.equal(file.keypair !== undefined, facts.canSign, name);
        if (file.keypair !== undefined) proves(file.keypair);
      }
    });
    it(`${folder.split("/").at(-1)}: its signatures verify`, () => {
      for (const { ss58, messageHex, signature } of expected?.signatures ?? [])
        assert.ok(verifySignature(bytes(messageHex), bytes(signature), ss58));
    });
  }
});

describe("keyfiles written by hand", { skip }, () => {
  it("every plain file of the folder loads", () => {
    const plain = globSync(vectorPath("keyfiles", "{*.json,*.txt,wallets/**/*}"), {
      withFileTypes: true,
    })
      .filter((entry) => entry.isFile() && !/derivation|encryption/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
    assert.ok(plain.length > 0);
    for (const path of plain) parseKeyFile(readFileSync(path, "utf8"));
  });
});
