/** The tree that Python wallets keep: `<path>/<name>/{coldkey,coldkeypub.txt,hotkeys/<hotkey>}`. */
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { decryptKeyFile, encryptionOf } from "./encryption.ts";
import { type KeyFile, KeyFileError, parseKeyFile } from "./key-file.ts";
import { KeyError, type Keypair } from "./keypair.ts";
import { type Environment, passwordsIn } from "./password.ts";
import {
  addressOfExport,
  needsPassword,
  openPolkadotExport,
  type PolkadotExport,
  parsePolkadotExport,
} from "./polkadot-export.ts";

export interface WalletPlace {
  /** Folder of all wallets. */
  readonly path: string;
  /** The wallet's name, which is its coldkey's. */
  readonly name: string;
  readonly hotkey: string;
}

/** Where a wallet is: what is given, then BT_WALLET_PATH, BT_WALLET_NAME and BT_WALLET_HOTKEY, then the defaults. */
export function walletPlace(given: Partial<WalletPlace>, env: Environment): WalletPlace {
  const path = given.path ?? env.BT_WALLET_PATH ?? "~/.bittensor/wallets";
  const place = {
    path: resolve(path.replace(/^~(?=\/|$)/, homedir())),
    name: given.name ?? env.BT_WALLET_NAME ?? "default",
    hotkey: given.hotkey ?? env.BT_WALLET_HOTKEY ?? "default",
  };
  for (const part of [place.name, place.hotkey]) {
    if (part === "" || part === "." || part === ".." || /[/\\\0]/.test(part)) {
      throw new KeyFileError(
        place.path,
        `${JSON.stringify(part)} is no name for a wallet or hotkey`,
      );
    }
  }
  return place;
}

export interface WalletFiles {
  readonly coldkey: string;
  readonly coldkeypub: string;
  readonly hotkey: string;
}

export function walletFiles({ path, name, hotkey }: WalletPlace): WalletFiles {
  const folder = join(path, name);
  return {
    coldkey: join(folder, "coldkey"),
    coldkeypub: join(folder, "coldkeypub.txt"),
    hotkey: join(folder, "hotkeys", hotkey),
  };
}

export interface OpenKeyOptions {
  /** Asked for when the file is encrypted; the passwords are tried in turn. */
  readonly passwords?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Reads a key file, encrypted or not. `ready()` must have been awaited. @throws KeyFileError */
export async function openKeyFile(path: string, options: OpenKeyOptions = {}): Promise<KeyFile> {
  const text = await openKeyText(path, options);
  try {
    return parseKeyFile(text);
  } catch (error) {
    throw await broken(path, error);
  }
}

/**
 * The plain text of a key file, encrypted or not; of an export of polkadot.js, the key file that it comes to.
 * @throws KeyFileError
 */
export async function openKeyText(path: string, options: OpenKeyOptions = {}): Promise<string> {
  const { passwords = [], signal } = options;
  try {
    const bytes = await readFile(path, { signal });
    const encryption = encryptionOf(bytes);
    if (encryption !== undefined) {
      return await firstThatOpens(passwords, `is encrypted (${encryption})`, (password) =>
        decryptKeyFile(bytes, password),
      );
    }
    const text = bytes.toString("utf8");
    const exported = parsePolkadotExport(text);
    if (exported === undefined) {
      return text;
    }
    if (!needsPassword(exported)) {
      return openPolkadotExport(exported, undefined);
    }
    return await firstThatOpens(passwords, "is an export of polkadot.js", async (password) =>
      openPolkadotExport(exported, password),
    );
  } catch (error) {
    if (signal?.aborted === true) {
      throw error;
    }
    throw await broken(path, error);
  }
}

export interface LoadHotkeyOptions {
  /** Holds the password of an encrypted hotkey, with or without a final newline. */
  readonly passwordFile?: string | undefined;
  /** Where wallets' own variables may hold it instead: BT_PW_… for the file's path. */
  readonly env?: Environment;
  readonly signal?: AbortSignal;
}

/**
 * Loads a hotkey from a file: plain, encrypted by any wallet, or exported from polkadot.js. `ready()` must have been
 * awaited.
 * @throws KeyFileError when the file is missing (with those that are there), malformed, locked, or holds no secret
 */
export async function loadHotkey(path: string, options: LoadHotkeyOptions = {}): Promise<Keypair> {
  const { passwordFile, env = {}, signal } = options;
  const place = resolve(path);
  const passwords =
    passwordFile === undefined
      ? passwordsIn(env, place, basename(dirname(dirname(place))))
      : [await readPassword(passwordFile)];
  return secretOf(path, { passwords, ...(signal === undefined ? {} : { signal }) });
}

/** @throws KeyFileError when it can't be read */
export async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw await broken(path, error);
  }
}

/**
 * The wallet's hotkey or coldkey, with a password from `options` or the environment if it is encrypted.
 * @throws KeyFileError
 */
export async function loadWalletKey(
  place: WalletPlace,
  which: "hotkey" | "coldkey",
  env: Environment,
  options: OpenKeyOptions = {},
): Promise<Keypair> {
  const path = walletFiles(place)[which];
  const passwords = [...(options.passwords ?? []), ...passwordsIn(env, path, place.name)];
  return secretOf(path, { ...options, passwords });
}

/** What can be known of a wallet without any password. */
export interface WalletSummary {
  readonly name: string;
  /** Address of the coldkey, from its public file; undefined when there is none that can be read. */
  readonly coldkey: string | undefined;
  readonly hotkeys: readonly { readonly name: string; readonly ss58: string | undefined }[];
}

/** The wallets of a folder, by name; none when it is not there. */
export async function listWallets(path: string): Promise<readonly WalletSummary[]> {
  if (!isAbsolute(path)) {
    throw new KeyFileError(path, "is not an absolute path");
  }
  const names = await namesIn(path, "folders");
  return Promise.all(
    names.map(async (name) => {
      const { coldkeypub, hotkey } = walletFiles({ path, name, hotkey: "default" });
      const files = await namesIn(join(hotkey, ".."), "files");
      // btwallet 4 keeps public halves beside the hotkeys
      const secrets = files.filter((file) => !file.endsWith("pub.txt"));
      return {
        name,
        coldkey: await addressIn(coldkeypub),
        hotkeys: await Promise.all(
          secrets.map(async (file) => ({
            name: file,
            ss58: await addressOfHotkey(walletFiles({ path, name, hotkey: file }).hotkey),
          })),
        ),
      };
    }),
  );
}

/** Makes the folders of a wallet, for their owner alone. @throws KeyFileError */
export async function ensureWalletFolders(place: WalletPlace): Promise<void> {
  const folder = join(walletFiles(place).hotkey, "..");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw await broken(folder, error);
  }
}

async function broken(path: string, error: unknown): Promise<KeyFileError> {
  const reason = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const told =
    code === "ENOENT"
      ? `there is no such file; ${await whatIsIn(dirname(resolve(path)))}`
      : code === "EISDIR"
        ? `is a folder, not a key file; ${await whatIsIn(resolve(path))}`
        : reason;
  return new KeyFileError(path, told, { cause: error });
}

/** What is in a folder, or in the first above it that exists. */
async function whatIsIn(path: string): Promise<string> {
  let folder = path;
  while (!(await isThere(folder)) && folder !== dirname(folder)) {
    folder = dirname(folder);
  }
  const names = [...(await namesIn(folder, "files")), ...(await namesIn(folder, "folders"))];
  if (names.length === 0) {
    return `${folder} is empty`;
  }
  const shown = names.slice(0, namesShown).join(", ");
  const more = names.length > namesShown ? `, and ${names.length - namesShown} more` : "";
  return `in ${folder} there is: ${shown}${more}`;
}

const namesShown = 12;

async function secretOf(path: string, options: OpenKeyOptions): Promise<Keypair> {
  const { keypair } = await openKeyFile(path, options);
  if (keypair === undefined) {
    throw new KeyFileError(
      path,
      "holds a public key only (or a bare seed, of which `bittensor-wallet regen --seed-file` makes a key file); " +
        "a key file with its secret is needed",
    );
  }
  return keypair;
}

/** Tries the passwords in turn. @throws KeyError of the last one, or when there is none */
async function firstThatOpens(
  [password, ...others]: readonly string[],
  what: string,
  open: (password: string) => Promise<string>,
): Promise<string> {
  if (password === undefined) {
    throw new KeyError(
      `${what} and no password is given: name a password file, or set the wallet's variable BT_PW_…`,
    );
  }
  try {
    return await open(password);
  } catch (error) {
    if (others.length === 0) {
      throw error;
    }
    return firstThatOpens(others, what, open);
  }
}

/** Of an encrypted one from the public half beside it, where there is one. */
async function addressOfHotkey(path: string): Promise<string | undefined> {
  return (await addressIn(path)) ?? (await addressIn(`${path}pub.txt`));
}

async function addressIn(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, "utf8");
    const exported: PolkadotExport | undefined = parsePolkadotExport(text);
    return exported === undefined ? parseKeyFile(text).ss58 : addressOfExport(exported);
  } catch {
    return undefined;
  }
}

/** Follows links: mounted secrets are links. The folders that they lead into (`..data`) are not shown. */
async function namesIn(path: string, kind: "files" | "folders"): Promise<readonly string[]> {
  try {
    const names = (await readdir(path)).filter((name) => !name.startsWith("..")).toSorted();
    const isOfKind = await Promise.all(
      names.map(async (name) => {
        const found = await stat(join(path, name)).catch(() => undefined);
        return (kind === "files" ? found?.isFile() : found?.isDirectory()) === true;
      }),
    );
    return names.filter((_, index) => isOfKind[index]);
  } catch {
    return [];
  }
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined)) !== undefined;
}
