import { isIP } from "node:net";
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { isSs58 } from "@turntable/bittensor/keys";

/** What `parseValidator` reads, for people. */
export const validatorForm = "IP:PORT:HOTKEY (IPv6 in brackets)";

/** undefined when the text has another form. */
export function parseValidator(text: string): AxonTarget | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s[\]]+)):(\d{1,5}):([1-9A-HJ-NP-Za-km-z]+)$/.exec(
    text,
  );
  const [, ipv6, other, port = "", hotkey = ""] = match ?? [];
  const ip = ipv6 ?? other;
  if (ip === undefined || (ipv6 !== undefined && isIP(ipv6) !== 6)) {
    return undefined;
  }
  const number = Number(port);
  return number > 0 && number < 65536 && isSs58(hotkey) ? { ip, port: number, hotkey } : undefined;
}
