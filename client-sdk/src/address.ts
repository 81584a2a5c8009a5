/** Where a coordinator is, in every form that gRPC programs take. */
import { InvalidOptionError } from "./errors.ts";

export interface ServerAddress {
  /** As grpc-js takes it. */
  readonly target: string;
  /** On this machine: no proxy can lead there. */
  readonly isLocal: boolean;
}

const accepted =
  "give host and port, for example 127.0.0.1:50051 or [::1]:50051, dns:///host:port, or unix:/path/of/socket";

/** @throws InvalidOptionError which says what is accepted */
export function parseAddress(text: string): ServerAddress {
  if (/^unix:(?!\/\/[^/])./.test(text)) {
    return { target: text, isLocal: true };
  }
  const match = /^(?:dns:(?:\/\/[^\s/]*\/)?)?(\[[0-9a-f:.%]+\]|[^\s/:[\]]+):(\d{1,5})$/i.exec(text);
  const [, host, port] = match ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new InvalidOptionError(`"${text}" is no address: ${accepted}`);
  }
  const isLocal = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:127\.[\d.]+\])$/i.test(host);
  return { target: text, isLocal };
}
