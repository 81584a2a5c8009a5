/** The command `bittensor-wallet`: looks at, makes and uses the key files that Python wallets share. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  createMnemonic,
  type Environment,
  encryptKeyFile,
  ensureWalletFolders,
  isSs58,
  KeyError,
  KeyFileError,
  type Keypair,
  keyFileText,
  listWallets,
  loadWalletKey,
  openKeyText,
  parseKeyFile,
  passwordsIn,
  publicKeyFileText,
  readPassword,
  secretsIn,
  verifySignature,
  type WalletPlace,
  walletFiles,
  walletPlace,
  writeKeyFile,
} from "../../keys/index.ts";

export interface WalletCommand {
  readonly args: readonly string[];
  readonly env: Environment;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

const help = `Usage: bittensor-wallet COMMAND [options]

  list                              wallets and hotkeys with their addresses
  show                              the hotkey's address and public key
  create                            a new hotkey (with --coldkey: a new coldkey)
  regen                             the same from an existing secret, see --mnemonic-file and --seed-file
  sign MESSAGE                      signs with the hotkey, prints 0x and 128 hex digits
  verify MESSAGE SIGNATURE ADDRESS  exit code 0 if the address signed the message, 1 if not

  --path DIR            folder of wallets (BT_WALLET_PATH, ~/.bittensor/wallets)
  --name NAME           wallet (BT_WALLET_NAME, default)
  --hotkey NAME         hotkey of the wallet (BT_WALLET_HOTKEY, default)
  --coldkey             the wallet's coldkey instead of its hotkey
  --password-file FILE  password of an encrypted key, and of a new coldkey; else BT_PW_… or BT_COLD_PW_…
  --no-password         write a new coldkey without encryption
  --mnemonic-file FILE  regen: a file with the 12 to 24 words
  --seed-file FILE      regen: a file with the 0x seed
  --hex                 MESSAGE is 0x hex, not text
  --show-secret         show: also print the secret; create: also print the new words. Anyone who sees it owns the key
  --json                list, show: as JSON
`;

const options = {
  path: { type: "string" },
  name: { type: "string" },
  hotkey: { type: "string" },
  coldkey: { type: "boolean" },
  "password-file": { type: "string" },
  "no-password": { type: "boolean" },
  "mnemonic-file": { type: "string" },
  "seed-file": { type: "string" },
  hex: { type: "boolean" },
  "show-secret": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];

/** What was asked for is not a command of ours. */
class UsageError extends Error {
  override name = "UsageError";
}

/** @returns the exit code: 0 done, 1 no or failed, 2 wrong usage */
export async function run(command: WalletCommand): Promise<number> {
  try {
    return await dispatch(command);
  } catch (error) {
    if (error instanceof UsageError) {
      command.complain(`${error.message}\nSee bittensor-wallet --help`);
      return 2;
    }
    if (!(error instanceof KeyError || error instanceof KeyFileError)) {
      throw error;
    }
    command.complain(error.message);
    return 1;
  }
}

async function dispatch(command: WalletCommand): Promise<number> {
  const { values: flags, positionals } = parse(command.args);
  const [name, ...rest] = positionals;
  if (flags.help === true || name === "help") {
    command.print(help.trimEnd());
    return 0;
  }
  const place = walletPlace(definedOnly(flags), command.env);
  switch (name) {
    case "list":
      expectArguments(rest, 0);
      return list(command, place, flags);
    case "show":
      expectArguments(rest, 0);
      return show(command, place, flags);
    case "create":
      expectArguments(rest, 0);
      return write(command, place, flags, createMnemonic());
    case "regen":
      expectArguments(rest, 0);
      return write(command, place, flags, await givenSecret(flags));
    case "sign": {
      const [message = ""] = expectArguments(rest, 1);
      const key = await load(command, place, flags);
      command.print(`0x${Buffer.from(key.sign(messageOf(message, flags))).toString("hex")}`);
      return 0;
    }
    case "verify": {
      const [message = "", signature = "", address = ""] = expectArguments(rest, 3);
      if (!isSs58(address)) {
        throw new UsageError(`${address} is not an address`);
      }
      const bytes = Buffer.from(signature.replace(/^0x/, ""), "hex");
      const valid = verifySignature(messageOf(message, flags), bytes, address);
      command.print(valid ? "valid" : "not valid");
      return valid ? 0 : 1;
    }
    default:
      throw new UsageError(name === undefined ? "a command is missing" : `no command ${name}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function list({ print }: WalletCommand, place: WalletPlace, flags: Flags): Promise<number> {
  const wallets = await listWallets(place.path);
  if (flags.json === true) {
    print(JSON.stringify(wallets, null, 2));
  } else if (wallets.length === 0) {
    print(`no wallets in ${place.path}`);
  } else {
    for (const wallet of wallets) {
      print(`${wallet.name}  ${wallet.coldkey ?? "(no readable coldkeypub.txt)"}`);
      for (const { name, ss58 } of wallet.hotkeys) {
        print(`  ${name}  ${ss58 ?? "(not readable without a password)"}`);
      }
    }
  }
  return 0;
}

async function show(command: WalletCommand, place: WalletPlace, flags: Flags): Promise<number> {
  const files = walletFiles(place);
  const secret = flags["show-secret"] === true;
  const isColdkey = flags.coldkey === true;
  const path = isColdkey ? (secret ? files.coldkey : files.coldkeypub) : files.hotkey;
  const text = await openKeyText(path, { passwords: await passwordsFor(command, place, flags) });
  const file = parseKeyFile(text);
  const publicKey = `0x${Buffer.from(file.publicKey).toString("hex")}`;
  const shown = {
    file: path,
    ss58: file.ss58,
    publicKey,
    ...(secret ? secretsIn(text) : {}),
  };
  if (flags.json === true) {
    command.print(JSON.stringify(shown, null, 2));
  } else {
    for (const [name, value] of Object.entries(shown)) {
      if (value !== undefined) {
        command.print(`${name}: ${value}`);
      }
    }
  }
  return 0;
}

async function write(
  command: WalletCommand,
  place: WalletPlace,
  flags: Flags,
  secret: string | { readonly seed: Uint8Array },
): Promise<number> {
  const files = walletFiles(place);
  const text = keyFileText(secret);
  const { ss58, publicKey } = parseKeyFile(text);
  if (flags.coldkey === true) {
    const content = await coldkeyContent(text, flags);
    await ensureWalletFolders(place);
    await writeKeyFile(files.coldkey, content);
    await writeKeyFile(files.coldkeypub, publicKeyFileText(publicKey));
  } else {
    await ensureWalletFolders(place);
    await writeKeyFile(files.hotkey, text);
  }
  command.print(`${flags.coldkey === true ? files.coldkey : files.hotkey}: ${ss58}`);
  if (typeof secret === "string" && flags["show-secret"] === true) {
    command.print(secret);
  }
  return 0;
}

async function coldkeyContent(text: string, flags: Flags): Promise<string | Uint8Array> {
  const password = await passwordFrom(flags);
  if (password !== undefined) {
    return encryptKeyFile(text, password);
  }
  if (flags["no-password"] === true) {
    return text;
  }
  throw new UsageError("a new coldkey needs --password-file, or --no-password to leave it open");
}

async function givenSecret(flags: Flags): Promise<string | { readonly seed: Uint8Array }> {
  const { "mnemonic-file": mnemonicFile, "seed-file": seedFile } = flags;
  if (mnemonicFile !== undefined && seedFile === undefined) {
    return readText(mnemonicFile);
  }
  if (seedFile === undefined || mnemonicFile !== undefined) {
    throw new UsageError("regen needs --mnemonic-file or --seed-file");
  }
  const hex = await readText(seedFile);
  if (!/^(0x)?[0-9a-fA-F]{64}$/.test(hex)) {
    throw new KeyFileError(seedFile, "a seed is 0x and 64 hex digits");
  }
  return { seed: Buffer.from(hex.replace(/^0x/, ""), "hex") };
}

async function load(command: WalletCommand, place: WalletPlace, flags: Flags): Promise<Keypair> {
  const given = await passwordFrom(flags);
  const passwords = given === undefined ? [] : [given];
  return loadWalletKey(place, keyOf(flags), command.env, { passwords });
}

async function passwordsFor(
  { env }: WalletCommand,
  place: WalletPlace,
  flags: Flags,
): Promise<readonly string[]> {
  const given = await passwordFrom(flags);
  const offered = passwordsIn(env, walletFiles(place)[keyOf(flags)], place.name);
  return given === undefined ? offered : [given];
}

function keyOf(flags: Flags): "hotkey" | "coldkey" {
  return flags.coldkey === true ? "coldkey" : "hotkey";
}

async function passwordFrom(flags: Flags): Promise<string | undefined> {
  const path = flags["password-file"];
  return path === undefined ? undefined : readPassword(path);
}

async function readText(path: string): Promise<string> {
  return (await readFileOf(path)).trim();
}

async function readFileOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new KeyFileError(path, "can't be read", { cause });
  }
}

function messageOf(message: string, flags: Flags): string | Uint8Array {
  if (flags.hex !== true) {
    return message;
  }
  if (!/^0x([0-9a-fA-F]{2})*$/.test(message)) {
    throw new UsageError("MESSAGE is not 0x hex");
  }
  return Buffer.from(message.slice(2), "hex");
}

function expectArguments(given: readonly string[], count: number): readonly string[] {
  if (given.length === count) {
    return given;
  }
  throw new UsageError(`${count} arguments were expected, ${given.length} were given`);
}

function definedOnly({ path, name, hotkey }: Flags): Partial<WalletPlace> {
  return {
    ...(path === undefined ? {} : { path }),
    ...(name === undefined ? {} : { name }),
    ...(hotkey === undefined ? {} : { hotkey }),
  };
}
