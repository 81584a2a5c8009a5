import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { readVectors, skip, vectorPath } from "../../test/vectors.ts";
import {
  KeyError,
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
        if (facts.encryption !== null || !existsSync(path)) {
          continue;
        }
        const file = parseKeyFile(readFileSync(path, "utf8"));
        assert.equal(file.ss58, facts.ss58, name);
        assert.equal(file.keypair !== undefined, facts.canSign, name);
        if (file.keypair !== undefined) {
          proves(file.keypair);
        }
      }
    });
    it(`${folder.split("/").at(-1)}: its signatures verify`, () => {
      for (const { ss58, messageHex, signature } of expected?.signatures ?? []) {
        assert.ok(verifySignature(bytes(messageHex), bytes(signature), ss58));
      }
    });
  }
});

describe("keyfiles/real-*: forms that some wallet loads", { skip }, () => {
  interface Expected {
    hotMnemonic: string;
    variants?: Record<string, { loads: boolean; ss58?: string; canSign?: boolean }>;
  }
  /** The texts behind the names of the variants; `all` has every entry. */
  const textsOf = (all: Record<string, string>): Record<string, string> => {
    const { accountId, publicKey, privateKey, secretPhrase, secretSeed, ss58Address } = all;
    const { privateKey: _, ...noPrivateKey } = all;
    const json = (fields: object): string => JSON.stringify(fields);
    return {
      "compact, all keys": json(all),
      "pretty printed": JSON.stringify(all, null, 2),
      "trailing newline": `${json(all)}\n`,
      "key order reversed": json(Object.fromEntries(Object.entries(all).toReversed())),
      "no privateKey": json(noPrivateKey),
      "privateKey null": json({ ...all, privateKey: null }),
      "secretPhrase only": json({ secretPhrase }),
      "secretSeed only": json({ secretSeed }),
      "secretSeed without 0x": json({ secretSeed: secretSeed?.slice(2) }),
      "secretSeed upper case hex": json({ secretSeed: `0x${secretSeed?.slice(2).toUpperCase()}` }),
      "privateKey only": json({ privateKey }),
      "privateKey + publicKey + ss58": json({ privateKey, publicKey, ss58Address }),
      "ss58 only": json({ ss58Address }),
      "invalid secretSeed, valid phrase": json({ ...all, secretSeed: "rubbish" }),
      "extra string field": json({ ...all, extra: "x" }),
      "extra number field": json({ ...all, extra: 1 }),
      "extra bool field": json({ ...all, extra: true }),
      "extra object field": json({ ...all, extra: {} }),
      "cryptoType 1 (number)": json({ ...all, cryptoType: 1 }),
      "cryptoType '1' (string)": json({ ...all, cryptoType: "1" }),
      "cryptoType 'sr25519'": json({ ...all, cryptoType: "sr25519" }),
      "phrase double spaces": json({ secretPhrase: secretPhrase?.replaceAll(" ", "  ") }),
      // No btwallet loads these, SDK 6.9 or we do
      "UTF-8 BOM": `\ufeff${json(all)}`,
      "secretPhrase empty string": json({ ...all, secretPhrase: "" }),
      "phrase upper case": json({ secretPhrase: secretPhrase?.toUpperCase() }),
      "bare 0x public key": publicKey ?? "",
      "bare 0x public key + newline": `${publicKey}\n`,
      "publicKey only": json({ publicKey }),
      "accountId + publicKey only": json({ accountId, publicKey }),
    };
  };

  it("load here too, with the same key", () => {
    const { cases } = readVectors<{ cases: Record<string, string>[] }>(
      "keyfiles",
      "derivation.json",
    );
    let loaded = 0;
    for (const path of globSync(vectorPath("keyfiles", "real-*", "expected.json"))) {
      const { hotMnemonic, variants = {} }: Expected = JSON.parse(readFileSync(path, "utf8"));
      const derived = cases.find(({ mnemonic }) => mnemonic === hotMnemonic);
      if (derived === undefined) {
        continue;
      }
      const { mnemonic: secretPhrase = "", ...rest } = derived;
      const { ss58Address = "" } = rest;
      for (const [name, text] of Object.entries(textsOf({ ...rest, secretPhrase }))) {
        const file = parseKeyFile(text);
        const facts = variants[name];
        assert.equal(file.ss58, facts?.ss58 ?? ss58Address, name);
        if (facts?.loads === true) {
          assert.equal(file.keypair !== undefined, facts.canSign, name);
        }
        loaded += 1;
      }
    }
    assert.ok(loaded > 0);
  });

  it("whose parts belong to different keys do not, unlike in Python", () => {
    const { cases } = readVectors<{ cases: Record<string, string>[] }>(
      "keyfiles",
      "derivation.json",
    );
    const [a, b] = cases;
    for (const secret of ["secretSeed", "privateKey"]) {
      assert.throws(
        () => parseKeyFile(JSON.stringify({ [secret]: a?.[secret], ss58Address: b?.ss58Address })),
        KeyError,
      );
    }
  });
});

describe("keyfiles written by hand", { skip }, () => {
  it("every plain file of the folder loads", () => {
    const plain = globSync(vectorPath("keyfiles", "{*.json,*.txt,wallets/**/*}"), {
      withFileTypes: true,
    })
      .filter((entry) => entry.isFile() && !/derivation|encryption/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
    assert.ok(plain.length > 0);
    for (const path of plain) {
      parseKeyFile(readFileSync(path, "utf8"));
    }
  });
});
