/** The tree that Python wallets keep: `<path>/<name>/{coldkey,coldkeypub.txt,hotkeys/<hotkey>}`. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { decryptKeyFile, encryptionOf } from "./encryption.ts";
import { type KeyFile, KeyFileError, parseKeyFile } from "./key-file.ts";
import { KeyError, type Keypair } from "./keypair.ts";
import { type Environment, passwordsIn } from "./password.ts";

export interface WalletPlace {
  /** Folder of all wallets. */
  readonly path: string;
  /** Of the wallet, i.e. of its coldkey. */
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
  for (const part of [place.name, place.hotkey])
    if (part === "" || part === "." || part === ".." || /[/\\\0]/.test(part))
      throw new KeyFileError(
        place.path,
        `${JSON.stringify(part)} is no name for a wallet or hotkey`,
      );
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
    throw broken(path, error);
  }
}

/** The plain text of a key file, encrypted or not. @throws KeyFileError */
export async function openKeyText(path: string, options: OpenKeyOptions = {}): Promise<string> {
  const { passwords = [], signal } = options;
  try {
    const bytes = await readFile(path, { signal });
    const encryption = encryptionOf(bytes);
    if (encryption === undefined) return bytes.toString("utf8");
    const [first, ...others] = passwords;
    if (first === undefined)
      throw new KeyError(`is encrypted (${encryption}) and no password is given`);
    return await firstThatOpens(bytes, first, others);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw broken(path, error);
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
  if (!isAbsolute(path)) throw new KeyFileError(path, "is not an absolute path");
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
            ss58: await addressIn(walletFiles({ path, name, hotkey: file }).hotkey),
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
    throw broken(folder, error);
  }
}

function broken(path: string, error: unknown): KeyFileError {
  const reason = error instanceof Error ? error.message : String(error);
  return new KeyFileError(path, reason, { cause: error });
}

async function secretOf(path: string, options: OpenKeyOptions): Promise<Keypair> {
  const { keypair } = await openKeyFile(path, options);
  if (keypair === undefined)
    throw new KeyFileError(path, "holds a public key only; the file with the secret is needed");
  return keypair;
}

async function firstThatOpens(
  bytes: Uint8Array,
  password: string,
  others: readonly string[],
): Promise<string> {
  try {
    return await decryptKeyFile(bytes, password);
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined) throw error;
    return firstThatOpens(bytes, next, rest);
  }
}

async function addressIn(path: string): Promise<string | undefined> {
  try {
    return (await openKeyFile(path)).ss58;
  } catch {
    return undefined;
  }
}

async function namesIn(path: string, kind: "files" | "folders"): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => (kind === "files" ? entry.isFile() : entry.isDirectory()))
      .map((entry) => entry.name)
      .toSorted();
  } catch {
    return [];
  }
}
