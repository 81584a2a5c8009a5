/** A collector of our own: takes OTLP over HTTP in protobuf, as an OpenTelemetry collector does, and keeps the spans. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

export interface ReceivedSpan {
  /** `service.name` of the process that made it. */
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  /** Spans that it names beside its parent. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Those that are text. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
}

export interface OtlpReceiver extends AsyncDisposable {
  /** `http://127.0.0.1:4318` */
  readonly url: string;
  /** All that came so far. */
  readonly spans: readonly ReceivedSpan[];
  /** Resolves once `isThere` says yes to what came. */
  until(isThere: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]>;
}

/** The SDK starts a span at a whole millisecond and measures its length more finely, so its end is as far off. */
const clockStepNs = 1_000_000n;

/** Whether a span lies within another, as closely as the SDK's clock tells. */
export function liesWithin(inner: ReceivedSpan, outer: ReceivedSpan): boolean {
  return (
    outer.start <= inner.start && inner.start <= inner.end && inner.end <= outer.end + clockStepNs
  );
}

/** @param port 0 takes a free one */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  let changed = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const isOurs =
        request.url === "/v1/traces" &&
        request.headers["content-type"] === "application/x-protobuf";
      if (!isOurs) {
        return response.writeHead(415).end();
      }
      spans.push(...readRequest(body));
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
      changed.resolve();
      changed = Promise.withResolvers();
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a listening TCP server has one
    spans,
    async until(isThere) {
      while (!isThere(spans)) {
        await changed.promise;
      }
      return spans;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** opentelemetry/proto/collector/trace/v1: the fields' numbers are those of that file and of those that it imports. */
function readRequest(body: Uint8Array): readonly ReceivedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const [resource = none] = messages(resourceSpans, 1);
    const service = attributesOf(resource, 1)["service.name"] ?? "";
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({
        service,
        name: textOf(span, 5),
        ...idsOf(span),
        parentId: hexOf(span, 4),
        links: messages(span, 13).map(idsOf),
        attributes: attributesOf(span, 9),
        start: timeOf(span, 7),
        end: timeOf(span, 8),
      }));
  });
}

const none = new Uint8Array();
const idsOf = (message: Uint8Array) => ({ traceId: hexOf(message, 1), spanId: hexOf(message, 2) });
const hexOf = (message: Uint8Array, field: number): string =>
  Buffer.from(messages(message, field)[0] ?? none).toString("hex");
const textOf = (message: Uint8Array, field: number): string =>
  Buffer.from(messages(message, field)[0] ?? none).toString();

function attributesOf(message: Uint8Array, field: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    messages(message, field).map((pair) => {
      const [value = none] = messages(pair, 2);
      return [textOf(pair, 1), textOf(value, 1)];
    }),
  );
}

/** The values of a field that has a length: text, bytes or messages. */
function messages(message: Uint8Array, field: number): readonly Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === WireType.LengthDelimited) {
      found.push(reader.bytes());
    } else {
      reader.skip(type);
    }
  }
  return found;
}

function timeOf(message: Uint8Array, field: number): bigint {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === WireType.Bit64) {
      return BigInt(reader.fixed64());
    }
    reader.skip(type);
  }
  return 0n;
}
