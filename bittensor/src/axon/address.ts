/**
 * What counts as one caller's address: IPv4 as it is, also when it comes mapped into IPv6; of IPv6 the first 64 bits,
 * since whoever has one of its addresses has all that share these.
 */
import { isIPv6 } from "node:net";

export function addressKey(remoteAddress: string): string {
  if (!remoteAddress.includes(":")) {
    return remoteAddress;
  }
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1];
  if (mapped !== undefined) {
    return mapped;
  }
  const [bare = ""] = remoteAddress.split("%"); // a zone names one of our interfaces
  if (!isIPv6(bare)) {
    return remoteAddress;
  }
  const [front = "", back] = bare.split("::");
  const groups = front === "" ? [] : front.split(":");
  const behind = back === undefined || back === "" ? 0 : back.split(":").length;
  const filled = back === undefined ? groups : [...groups, ...zeros(8 - groups.length - behind)];
  const first = [...filled, ...(back ?? "").split(":")].slice(0, 4);
  return `${first.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

function zeros(count: number): readonly string[] {
  return Array.from({ length: Math.max(0, count) }, () => "0");
}
