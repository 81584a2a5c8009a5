import assert from "node:assert/strict";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { Keyring } from "@polkadot/api";
import {
  encryptKeyFile,
  KeyFileError,
  keyFileText,
  keypairFromMnemonic,
  keypairFromUri,
  listWallets,
  loadHotkey,
  openKeyText,
  parseKeyFile,
  passwordValue,
  passwordVariable,
  publicKeyFileText,
  ready,
  secretsIn,
  verifySignature,
} from "./index.ts";

before(ready);

const phrase = "abandon amount liar amount expire adjust cage candy arch gather drum buyer";
const { ss58, publicKey } = keypairFromMnemonic(phrase);
const password = "pässword";

async function createFolder() {
  const folder = await mkdtemp(join(tmpdir(), "wallets-"));
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`);
  return { folder, passwordFile };
}

/** As the library behind polkadot.js makes it. */
function exported(
  uri: string,
  secret: string | undefined,
  type: "sr25519" | "ed25519" = "sr25519",
) {
  return JSON.stringify(new Keyring({ type }).addFromUri(uri).toJson(secret));
}

describe("the loader of hotkeys", () => {
  it("opens an encrypted one with a password file, or with the wallets' own variable", async () => {
    const { folder, passwordFile } = await createFolder();
    const path = join(folder, "hotkey");
    // Each try at such a file costs seconds, by design
    await writeFile(path, await encryptKeyFile(keyFileText(phrase), password));
    const env = { [passwordVariable(path)]: passwordValue(path, password) };
    assert.equal((await loadHotkey(path, { env })).ss58, ss58);
    await assert.rejects(loadHotkey(path), /is encrypted \(NaCl\) and no password is given: name/);
    await writeFile(path, exported(phrase, password));
    assert.equal((await loadHotkey(path, { passwordFile })).ss58, ss58);
    await writeFile(passwordFile, "another");
    // The file that is named decides alone
    await assert.rejects(loadHotkey(path, { passwordFile, env }), /the password is wrong/);
    await assert.rejects(
      loadHotkey(path, { passwordFile: join(folder, "passwort") }),
      /passwort: there is no such file; in .* there is: hotkey, password$/,
    );
  });

  it("takes what polkadot.js exports, with its password", async () => {
    const { folder, passwordFile } = await createFolder();
    const path = join(folder, "5CfXWF.json");
    const derived = keypairFromUri("//Alice//stash");
    await writeFile(path, exported("//Alice//stash", password));
    const loaded = await loadHotkey(path, { passwordFile });
    assert.equal(loaded.ss58, derived.ss58);
    assert.ok(verifySignature("x", loaded.sign("x"), derived.ss58));
    await assert.rejects(loadHotkey(path), /is an export of polkadot\.js and no password is given/);
    for (const uri of [phrase, "//Alice", "//Bob", "//Charlie"]) {
      await writeFile(path, exported(uri, undefined));
      const { ss58: address } = keypairFromUri(uri);
      assert.equal((await loadHotkey(path)).ss58, address);
      // What it comes to is a key file as wallets write it
      const text = await openKeyText(path);
      assert.match(secretsIn(text).privateKey ?? "", /^0x[0-9a-f]{128}$/);
      assert.equal(parseKeyFile(text).ss58, address);
    }
  });

  it("says why another export is none", async () => {
    const { folder, passwordFile } = await createFolder();
    const path = join(folder, "key.json");
    await writeFile(path, exported(phrase, undefined, "ed25519"));
    await assert.rejects(
      loadHotkey(path, { passwordFile }),
      /of kind ed25519; hotkeys are sr25519/,
    );
    const several = { content: ["batch-pkcs8"], type: ["scrypt", "xsalsa20-poly1305"] };
    await writeFile(path, JSON.stringify({ encoded: "AA==", encoding: several, accounts: [] }));
    await assert.rejects(loadHotkey(path, { passwordFile }), /several accounts/);
    const unknown = { content: ["pkcs8", "sr25519"], type: ["argon2id"] };
    await writeFile(path, JSON.stringify({ encoded: "AA==", encoding: unknown }));
    await assert.rejects(loadHotkey(path, { passwordFile }), /an unknown way: argon2id/);
    const open = { content: ["pkcs8", "sr25519"], type: ["none"] };
    await writeFile(path, JSON.stringify({ encoded: "AA==", encoding: open }));
    await assert.rejects(loadHotkey(path), /holds no key in a form that is known/);
  });

  it("names what is there where the file is not", async () => {
    const { folder } = await createFolder();
    const hotkeys = join(folder, "miner", "hotkeys");
    await mkdir(hotkeys, { recursive: true });
    await assert.rejects(
      loadHotkey(join(hotkeys, "default")),
      /there is no such file; .* is empty$/,
    );
    await writeFile(join(hotkeys, "first"), keyFileText(phrase));
    const wrong = loadHotkey(join(hotkeys, "default"));
    await assert.rejects(wrong, (error) => {
      assert.ok(error instanceof KeyFileError);
      assert.equal(
        error.message,
        `${join(hotkeys, "default")}: there is no such file; in ${hotkeys} there is: first`,
      );
      return true;
    });
    await assert.rejects(
      loadHotkey(join(folder, "default", "hotkeys", "default")),
      new RegExp(`there is no such file; in ${folder} there is: password, miner$`),
    );
  });
});

describe("what is no key file", () => {
  it("is told with what to do, and without a word of a secret", async () => {
    const { folder } = await createFolder();
    await mkdir(join(folder, "hotkeys"));
    await writeFile(join(folder, "hotkeys", "first"), keyFileText(phrase));
    await assert.rejects(
      loadHotkey(join(folder, "hotkeys")),
      /hotkeys: is a folder, not a key file; in .*hotkeys there is: first$/,
    );
    const path = join(folder, "hotkey");
    for (const [text, message] of [
      [`${phrase}\n`, /bare words: .*regen --mnemonic-file/],
      [`0x${"ab".repeat(32)}`, /bare seed, of which .*regen --seed-file/],
      ["", /is empty$/],
    ] as const) {
      await writeFile(path, text);
      await assert.rejects(loadHotkey(path), (error) => {
        assert.ok(error instanceof KeyFileError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /abandon|abab/);
        return true;
      });
    }
  });
});

describe("the list of wallets", () => {
  it("names an encrypted hotkey by the public half beside it", async () => {
    const { folder } = await createFolder();
    const hotkeys = join(folder, "miner", "hotkeys");
    await mkdir(hotkeys, { recursive: true });
    await writeFile(join(hotkeys, "locked"), "$NACL and more");
    await writeFile(join(hotkeys, "lockedpub.txt"), publicKeyFileText(publicKey));
    const [wallet] = await listWallets(folder);
    assert.deepEqual(wallet?.hotkeys, [{ name: "locked", ss58 }]);
  });

  it("follows links, as mounted secrets are, and leaves out the folders behind them", async () => {
    const { folder } = await createFolder();
    // A mounted secret: the files are links into ..data, which is a link to a folder with a date
    const hotkeys = join(folder, "miner", "hotkeys");
    const dated = join(hotkeys, "..2026_11_29_12_00_00.1");
    await mkdir(dated, { recursive: true });
    await symlink("..2026_11_29_12_00_00.1", join(hotkeys, "..data"));
    await writeFile(join(dated, "first"), keyFileText(phrase));
    await symlink(join("..data", "first"), join(hotkeys, "first"));
    await writeFile(join(hotkeys, "browser"), exported(phrase, undefined));
    await symlink("nowhere", join(hotkeys, "broken"));
    await writeFile(join(folder, "miner", "coldkeypub.txt"), publicKeyFileText(publicKey));
    await symlink("miner", join(folder, "linked"));
    await symlink("miner", join(folder, "..data"));
    const hotkeysOf = [
      { name: "browser", ss58 },
      { name: "first", ss58 },
    ];
    assert.deepEqual(await listWallets(folder), [
      { name: "linked", coldkey: ss58, hotkeys: hotkeysOf },
      { name: "miner", coldkey: ss58, hotkeys: hotkeysOf },
    ]);
  });
});
