import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import {
  encryptKeyFile,
  keyFileText,
  keypairFromUri,
  passwordValue,
  passwordVariable,
  ready,
} from "../../keys/index.ts";
import { run } from "./run.ts";

before(ready);

const phrase = "abandon amount liar amount expire adjust cage candy arch gather drum buyer";
const ss58 = "5CfXWF2iCVFY98VcMCzXGS2VKM8pHk8gfAVyVxgCu4A1rMhM";

async function createRig() {
  const path = await mkdtemp(join(tmpdir(), "wallets-"));
  const words = join(path, "words");
  await writeFile(words, `${phrase}\n`);
  return {
    path: join(path, "tree"),
    words,
    async ask(args: readonly string[], env: Record<string, string> = {}) {
      const out: string[] = [];
      const errors: string[] = [];
      const code = await run({
        args,
        env: { BT_WALLET_PATH: join(path, "tree"), ...env },
        print: (line) => out.push(line),
        complain: (line) => errors.push(line),
      });
      return { code, out: out.join("\n"), errors: errors.join("\n") };
    },
  };
}

describe("bittensor-wallet", () => {
  it("makes a hotkey from words, lists and shows it without its secret", async () => {
    const { ask, words, path } = await createRig();
    assert.equal((await ask(["regen", "--mnemonic-file", words])).code, 0);
    const file = join(path, "default", "hotkeys", "default");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(
      (await ask(["list"])).out,
      `default  (no readable coldkeypub.txt)\n  default  ${ss58}`,
    );
    const shown = await ask(["show"]);
    assert.match(shown.out, new RegExp(`ss58: ${ss58}`));
    assert.ok(!shown.out.includes("abandon") && !shown.out.includes("0x04b5bee4"));
    const secret = await ask(["show", "--show-secret", "--json"]);
    assert.equal(JSON.parse(secret.out).mnemonic, phrase);
  });

  it("never overwrites a key", async () => {
    const { ask, path } = await createRig();
    assert.equal((await ask(["create"])).code, 0);
    const file = join(path, "default", "hotkeys", "default");
    const first = await readFile(file, "utf8");
    const again = await ask(["create"]);
    assert.equal(again.code, 1);
    assert.match(again.errors, /EEXIST/);
    assert.equal(await readFile(file, "utf8"), first);
  });

  it("shows the words of a new key only when asked", async () => {
    const { ask } = await createRig();
    const quiet = await ask(["create", "--hotkey", "a"]);
    assert.equal(quiet.out.split("\n").length, 1);
    const loud = await ask(["create", "--hotkey", "b", "--show-secret"]);
    assert.equal(loud.out.split("\n")[1]?.split(" ").length, 12);
  });

  it("signs texts and bytes, and verifies", async () => {
    const { ask, words } = await createRig();
    await ask(["regen", "--mnemonic-file", words]);
    const signature = (await ask(["sign", "hello"])).out;
    assert.equal((await ask(["verify", "hello", signature, ss58])).code, 0);
    assert.equal((await ask(["verify", "hullo", signature, ss58])).code, 1);
    assert.equal((await ask(["verify", "0x68656c6c6f", signature, ss58, "--hex"])).code, 0);
    assert.equal((await ask(["verify", "hello", "0x00", ss58])).code, 1);
  });

  it("opens a coldkey with the password of its variable", async () => {
    const { ask, path, words } = await createRig();
    assert.equal((await ask(["regen", "--coldkey", "--mnemonic-file", words])).code, 2);
    assert.equal(
      (await ask(["regen", "--coldkey", "--no-password", "--mnemonic-file", words])).code,
      0,
    );
    const coldkey = join(path, "default", "coldkey");
    assert.match((await ask(["show", "--coldkey"])).out, new RegExp(ss58));
    const variable = { [passwordVariable(coldkey)]: passwordValue(coldkey, "pässword") };
    assert.equal((await ask(["sign", "x", "--coldkey"], variable)).code, 0);
  });

  it("opens an encrypted hotkey with the password of its own variable", async () => {
    const { ask, path, words } = await createRig();
    const hotkey = join(path, "default", "hotkeys", "default");
    await mkdir(join(hotkey, ".."), { recursive: true });
    await writeFile(hotkey, await encryptKeyFile(keyFileText(phrase), "pässword"));
    const locked = await ask(["sign", "x"]);
    assert.equal(locked.code, 1);
    assert.match(locked.errors, /encrypted \(NaCl\) and no password is given/);
    const env = { [passwordVariable(hotkey)]: passwordValue(hotkey, "pässword") };
    const signed = await ask(["sign", "x"], env);
    assert.equal((await ask(["verify", "x", signed.out, ss58])).code, 0);
    assert.match((await ask(["show"], env)).out, new RegExp(ss58));
    const wrong = await ask(["sign", "x", "--password-file", words]);
    assert.match(wrong.errors, /the password is wrong/);
    assert.ok(!wrong.errors.includes("abandon"));
  });

  it("shows whatever secret a key file has, when asked", async () => {
    const { ask, path } = await createRig();
    const hotkey = join(path, "default", "hotkeys", "default");
    await mkdir(join(hotkey, ".."), { recursive: true });
    // Alice's, as btwallet writes keys that it made from a URI
    const privateKey =
      "0x33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011";
    await writeFile(hotkey, JSON.stringify({ privateKey }));
    assert.ok(!(await ask(["show"])).out.includes(privateKey));
    const shown = await ask(["show", "--show-secret"]);
    assert.match(shown.out, new RegExp(`ss58: ${keypairFromUri("//Alice").ss58}`));
    assert.match(shown.out, new RegExp(`privateKey: ${privateKey}$`));
    assert.ok(!shown.out.includes("undefined"));
  });

  it("says in one line where nothing can be written", async () => {
    const { ask, words } = await createRig();
    const failed = await ask(["create", "--path", words]);
    assert.equal(failed.code, 1);
    assert.match(failed.errors, /^\S+\/words\/default\/hotkeys: ENOTDIR[^\n]*$/);
  });

  it("takes a seed, and says what is wrong with anything else", async () => {
    const { ask, path } = await createRig();
    const seed = join(path, "..", "seed");
    await writeFile(seed, `0x${"00".repeat(31)}01`);
    assert.equal((await ask(["regen", "--seed-file", seed])).code, 0);
    await writeFile(seed, "hello");
    assert.match(
      (await ask(["regen", "--seed-file", seed, "--hotkey", "b"])).errors,
      /64 hex digits/,
    );
    assert.equal((await ask(["regen"])).code, 2);
    assert.equal((await ask(["dance"])).code, 2);
    assert.equal((await ask([])).code, 2);
    assert.equal((await ask(["list", "--nmae", "x"])).code, 2);
    assert.match((await ask(["show", "--hotkey", "../../x"])).errors, /no name for a wallet/);
    assert.match((await ask(["--help"])).out, /^Usage/);
    assert.ok(keypairFromUri("//Alice").ss58.startsWith("5"));
  });
});
