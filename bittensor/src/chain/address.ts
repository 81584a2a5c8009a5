/** IP addresses as the chain stores them: one integer and a type, 4 or 6. */
import { isIP } from "node:net";

export interface ChainIp {
  readonly ip: bigint;
  readonly ipType: 4 | 6;
}

/** @throws RangeError when the text is no IP address */
export function ipToChain(text: string): ChainIp {
  switch (isIP(text)) {
    case 4:
      return { ip: bytesToInteger(ipv4Bytes(text)), ipType: 4 };
    case 6:
      return { ip: ipv6Integer(text), ipType: 6 };
    default:
      throw new RangeError(`${JSON.stringify(text)} is not an IP address`);
  }
}

export function ipFromChain({
  ip,
  ipType,
}: {
  readonly ip: bigint;
  readonly ipType: number;
}): string {
  if (ipType !== 6) {
    return Array.from(integerToBytes(ip, 4)).join(".");
  }
  const bytes = integerToBytes(ip, 16);
  const groups = Array.from({ length: 8 }, (_, group) =>
    (((bytes[group * 2] ?? 0) << 8) | (bytes[group * 2 + 1] ?? 0)).toString(16),
  );
  // The URL parser knows the canonical short form.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** Whether the chain takes the address for an axon. */
export function isServable({
  ip,
  ipType,
}: {
  readonly ip: bigint;
  readonly ipType: number;
}): boolean {
  if (ip === 0n) {
    return false;
  }
  if (ipType === 4) {
    return ip !== loopback4 && ip < broadcast4;
  }
  return ip !== 1n && ip < maximum6;
}

/** Why nobody on the internet can reach the address; undefined when they can. */
export function unreachableReason(text: string): string | undefined {
  const { ip, ipType } = ipToChain(text);
  const ranges = ipType === 4 ? privateRanges4 : privateRanges6;
  const bits = ipType === 4 ? 32n : 128n;
  return ranges.find(([base, prefix]) => {
    const shift = bits - BigInt(prefix);
    return ip >> shift === ipToChain(base).ip >> shift;
  })?.[2];
}

const loopback4 = 0x7f000001n;
const broadcast4 = 0xffffffffn;
const maximum6 = (1n << 128n) - 1n;

/** IANA's special-purpose registries, as far as a machine may have such an address. */
const privateRanges4: readonly (readonly [string, number, string])[] = [
  ["0.0.0.0", 8, "it means no particular address"],
  ["10.0.0.0", 8, "it is a private address"],
  ["100.64.0.0", 10, "it is shared behind a carrier's NAT"],
  ["127.0.0.0", 8, "it is the machine itself"],
  ["169.254.0.0", 16, "it is link-local"],
  ["172.16.0.0", 12, "it is a private address"],
  ["192.168.0.0", 16, "it is a private address"],
  ["198.18.0.0", 15, "it is reserved for benchmarks"],
  ["192.0.2.0", 24, "it is reserved for documentation"],
  ["198.51.100.0", 24, "it is reserved for documentation"],
  ["203.0.113.0", 24, "it is reserved for documentation"],
  ["224.0.0.0", 3, "it is a multicast or reserved address"],
];
const privateRanges6: readonly (readonly [string, number, string])[] = [
  ["::", 127, "it is the machine itself or no particular address"],
  ["fc00::", 7, "it is a private address"],
  ["fe80::", 10, "it is link-local"],
  ["2001:db8::", 32, "it is reserved for documentation"],
  ["ff00::", 8, "it is a multicast address"],
];

function ipv4Bytes(text: string): readonly number[] {
  return text.split(".").map(Number);
}

function ipv6Integer(text: string): bigint {
  // A dotted quad at the end stands for two groups.
  const plain = text.replace(/(\d+\.\d+\.\d+\.\d+)$/, (quad) => {
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(quad);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const middle = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...middle, ...right].reduce(
    (integer, group) => (integer << 16n) | BigInt(Number.parseInt(group, 16)),
    0n,
  );
}

function bytesToInteger(bytes: readonly number[]): bigint {
  return bytes.reduce((integer, byte) => (integer << 8n) | BigInt(byte), 0n);
}

function integerToBytes(integer: bigint, length: number): readonly number[] {
  return Array.from({ length }, (_, index) =>
    Number((integer >> BigInt(8 * (length - 1 - index))) & 0xffn),
  );
}
