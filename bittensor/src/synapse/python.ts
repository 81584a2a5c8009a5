/** How Python writes values as text: body hashes and some headers are made of it. */

/** `repr()` of a float: shortest digits, always with `.0` or an exponent. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) {
    return "nan";
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  if (value === 0) {
    return Object.is(value, -0) ? "-0.0" : "0.0";
  }
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  // Python switches to exponents below 1e-4 and from 1e16 on; JavaScript elsewhere.
  if (exponent >= -4 && exponent < 16) {
    const plain = plainDecimal(mantissa, exponent);
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
}

/** `repr()` of what JSON can hold. Numbers count as ints when they are integers: JSON's `12.0` can't be told apart. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) {
    return "None";
  }
  if (typeof value === "boolean") {
    return value ? "True" : "False";
  }
  if (typeof value === "bigint") {
    return value.toString();
  }
  if (typeof value === "number") {
    return Number.isInteger(value) ? BigInt(value).toString() : pythonFloat(value);
  }
  if (typeof value === "string") {
    return pythonStringRepr(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(pythonRepr).join(", ")}]`;
  }
  return `{${Object.entries(value)
    .map(([key, entry]) => `${pythonStringRepr(key)}: ${pythonRepr(entry)}`)
    .join(", ")}}`;
}

export function pythonStringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let shown = "";
  for (const character of text) {
    shown += pythonCharacter(character, quote);
  }
  return quote + shown + quote;
}

const named: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function pythonCharacter(character: string, quote: string): string {
  if (character === quote) {
    return `\\${quote}`;
  }
  const short = named[character];
  if (short !== undefined) {
    return short;
  }
  // str.isprintable: neither "other" nor "separator", except the space
  if (character === " " || !/[\p{C}\p{Z}]/u.test(character)) {
    return character;
  }
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) {
    return `\\x${code.toString(16).padStart(2, "0")}`;
  }
  if (code < 0x10000) {
    return `\\u${code.toString(16).padStart(4, "0")}`;
  }
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

function plainDecimal(mantissa: string, exponent: number): string {
  const negative = mantissa.startsWith("-");
  const digits = mantissa.replace("-", "").replace(".", "");
  const point = exponent + 1;
  const plain =
    point <= 0
      ? `0.${"0".repeat(-point)}${digits}`
      : digits.length > point
        ? `${digits.slice(0, point)}.${digits.slice(point)}`
        : digits.padEnd(point, "0");
  return negative ? `-${plain}` : plain;
}
