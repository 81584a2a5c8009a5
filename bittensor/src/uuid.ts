/** UUID version 1, which the Python SDK uses for axons and dendrites; with a random node id instead of a MAC address. */
import { randomBytes } from "node:crypto";

/** 100 ns ticks between 1582-10-15 and 1970-01-01, RFC 9562 section 5.1. */
const gregorianOffset = 0x01b21dd213814000n;

export function v1(nowMs: number = Date.now()): string {
  const random = randomBytes(10);
  const ticks = BigInt(Math.floor(nowMs)) * 10_000n + BigInt(random.readUInt16BE(0) % 10_000);
  const time = (ticks + gregorianOffset).toString(16).padStart(16, "0").slice(-15);
  const sequence = ((random.readUInt16BE(2) & 0x3fff) | 0x8000).toString(16);
  const node = random.subarray(4);
  node[0] = (node[0] ?? 0) | 1; // the multicast bit marks a node id that is no MAC address
  return `${time.slice(7)}-${time.slice(3, 7)}-1${time.slice(0, 3)}-${sequence}-${node.toString("hex")}`;
}
