/** Where Python wallets look for passwords in the environment. */

/** `process.env`, or a part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable of today's wallets for one key file, by its absolute path. */
export function passwordVariable(keyFilePath: string): string {
  return `BT_PW_${keyFilePath.replace(/[/.]/g, "_").toUpperCase()}`;
}

/**
 * Passwords that the environment offers for a key file, likeliest first: `BT_PW_<PATH>`, obfuscated with the variable's
 * own name (in base64 since wallet 3.0.4, as raw text before), and SDK 6's plain `BT_COLD_PW_<WALLET>`, in which hyphens
 * may have become underscores, since shells take no others.
 */
export function passwordsIn(
  env: Environment,
  keyFilePath: string,
  walletName: string,
): readonly string[] {
  const name = passwordVariable(keyFilePath);
  const value = env[name];
  const fromPath: string[] = [];
  if (value !== undefined) {
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0) {
      fromPath.push(unmask(Buffer.from(value, "base64"), name));
    }
    fromPath.push(unmask(Buffer.from(value), name));
  }
  const suffix = walletName.toUpperCase();
  const suffixes = [suffix, suffix.replaceAll("-", "_")];
  const plain = Object.entries(env).flatMap(([key, text]) =>
    key.startsWith("BT_COLD_PW_") && text !== undefined && suffixes.some((end) => key.endsWith(end))
      ? [text]
      : [],
  );
  return [...fromPath, ...plain];
}

/** The value that today's wallets read a password from. */
export function passwordValue(keyFilePath: string, password: string): string {
  const name = passwordVariable(keyFilePath);
  return Buffer.from(unmask(Buffer.from(password), name, "latin1"), "latin1").toString("base64");
}

/** XOR with the variable's name, over and over: it hides the password from a glance, no more. */
function unmask(bytes: Uint8Array, name: string, encoding: "utf8" | "latin1" = "utf8"): string {
  const mask = Buffer.from(name);
  return Buffer.from(bytes.map((byte, index) => byte ^ (mask[index % mask.length] ?? 0))).toString(
    encoding,
  );
}
