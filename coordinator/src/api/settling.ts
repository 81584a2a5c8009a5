/** Nobody is told of anything before it is certain to outlive this machine. */
import type { DescService } from "@bufbuild/protobuf";
import type { Handlers } from "@turntable/proto/rpc";

/** Resolves when whatever was committed before may be told; throws when it may not. */
export type Settled = () => Promise<void>;

/** The same handlers; each answer, and each message of a stream, waits for what it may tell of. */
export function settling<S extends DescService, C>(
  service: S,
  handlers: Handlers<S, C>,
  settled: Settled,
): Handlers<S, C> {
  const known = new Map<string, unknown>(Object.entries(handlers));
  const wrapped = service.methods.map(({ localName, methodKind }) => [
    localName,
    // As the kind of the method says what its handler is.
    methodKind === "unary"
      ? settlingAnswer(known.get(localName) as Unary<C>, settled)
      : settlingStream(known.get(localName) as Streaming<C>, settled),
  ]);
  return Object.fromEntries(wrapped) as Handlers<S, C>;
}

type Unary<C> = (request: unknown, context: C) => Promise<unknown>;
type Streaming<C> = (request: unknown, context: C) => AsyncIterable<unknown>;

function settlingAnswer<C>(handler: Unary<C>, settled: Settled): Unary<C> {
  return async (request, context) => {
    const answer = await handler(request, context);
    await settled();
    return answer;
  };
}

function settlingStream<C>(handler: Streaming<C>, settled: Settled): Streaming<C> {
  return async function* (request, context) {
    for await (const message of handler(request, context)) {
      await settled();
      yield message;
    }
    await settled();
  };
}
