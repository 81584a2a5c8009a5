import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { isSs58 } from "@turntable/bittensor/keys";

/** Parses `IP:PORT:HOTKEY`; undefined when it is anything else. */
export function parseValidator(text: string): AxonTarget | undefined {
  const match = /^([^:\s]+):(\d{1,5}):([1-9A-HJ-NP-Za-km-z]+)$/.exec(text);
  const [, ip, port, hotkey] = match ?? [];
  if (ip === undefined || port === undefined || hotkey === undefined) {
    return undefined;
  }
  const number = Number(port);
  return number > 0 && number < 65536 && isSs58(hotkey) ? { ip, port: number, hotkey } : undefined;
}
