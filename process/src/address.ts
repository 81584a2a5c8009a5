/** Hosts and ports as people write them: one rule for all processes. */
import { isIPv6 } from "node:net";
import { z } from "zod";

/**
 * An option for the interface to listen on: a name, an IPv4 or an IPv6 address, the latter with or without brackets.
 * @returns a schema whose value has none
 */
export function interfaceSchema(usual: string) {
  return z
    .string()
    .refine((text) => /^[^\s/:[\]]+$/.test(text) || isIPv6(withoutBrackets(text)), {
      error: "a host without a port is accepted: 0.0.0.0, localhost, ::1 or [::1]",
    })
    .transform(withoutBrackets)
    .default(usual);
}

const withoutBrackets = (text: string): string => text.replace(/^\[(.*)\]$/, "$1");

/** `127.0.0.1:80`, `[::1]:80` */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
