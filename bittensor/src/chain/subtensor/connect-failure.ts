/** Why an endpoint is not connected, in words that say what to change. */

/** Why a try to connect failed. */
export interface ConnectFailure {
  /** In words, e.g. "HTTP 429 Too Many Requests at the handshake". */
  readonly reason: string;
  /** The endpoint is there and does not want us: a rate limit, a server that is overloaded. */
  readonly isRefusal: boolean;
  /** Seconds that the endpoint asks for; undefined when it names none. */
  readonly retryAfterS: number | undefined;
}

/**
 * Why an endpoint did not open a WebSocket, by its HTTP answer.
 * @param headers those named "retry-after" (only a number of seconds counts, not a date) and "location"
 */
export function refusalOf(
  status: number,
  statusText: string,
  headers: { readonly "retry-after"?: string | undefined; readonly location?: string | undefined },
): ConnectFailure {
  const retryAfter = headers["retry-after"] ?? "";
  const seconds = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const asked = seconds === undefined ? "" : `, which asks to wait ${seconds} s`;
  return {
    reason: `HTTP ${status} ${statusText} at the handshake${asked}: ${hintOn(status, headers.location)}`,
    isRefusal: true,
    retryAfterS: seconds,
  };
}

function hintOn(status: number, location: string | undefined): string {
  const origin = location === undefined ? null : URL.parse(location)?.host;
  if (status >= 300 && status < 400) {
    return `it points elsewhere${origin ? ` (${origin})` : ""}, where a node's own address may be`;
  }
  const known: Readonly<Record<number, string>> = {
    200: "it answers as a web server, not as a node's WebSocket; check host, port and path",
    401: "this endpoint does not let us in",
    403: "this endpoint does not let us in",
    404: "no node's WebSocket is at this path",
    407: "a proxy on the way wants credentials",
    429: "too many requests from this address",
  };
  return (
    known[status] ??
    (status >= 500 ? "the endpoint is overloaded or down" : "is this a node's WebSocket?")
  );
}

/** By Node's code, or by the message where there is none. */
const hints: readonly (readonly [of: RegExp, hint: string])[] = [
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED|INVALID_CA)/,
    "its certificate is of an authority that is not trusted here; NODE_EXTRA_CA_CERTS names a file with more of them",
  ],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)/,
    "its certificate is no longer or not yet valid; is the clock of this machine right?",
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID/, "its certificate is for other names than this one"],
  [/^EPROTO.*wrong version number/s, "it speaks without TLS: ws:// instead of wss://"],
  [/^(ECONNRESET|socket hang up)/, "it hung up; a node with TLS wants wss://"],
  [/^HPE_/, "it answers in something else than HTTP"],
  [/^(ENOTFOUND|EAI_AGAIN)/, "the name is not known"],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|.*timed out)/,
    "nothing comes back; connections go there directly, never through a proxy",
  ],
];

/** Of a connection that did not come about, or broke. */
export function failureOf(error: Error & { readonly code?: string }): ConnectFailure {
  const { code = "", message } = error;
  // OpenSSL's messages have places in its code around the reason, and advice of Node behind them.
  const said = /^.*:SSL routines:[^:]*:([^:]+)/s.exec(message)?.[1] ?? message.split(";")[0] ?? "";
  const [, hint] = hints.find(([of]) => of.test(`${code} ${message}`.trimStart())) ?? [];
  const reason = said === "" ? code || error.name : said;
  return {
    reason: hint === undefined ? reason : `${reason}: ${hint}`,
    isRefusal: false,
    retryAfterS: undefined,
  };
}
