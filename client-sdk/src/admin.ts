/** The operator's side of a coordinator: AdminService, on a port of its own. */
import type {
  DescMessage,
  DescMethod,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { AdminService } from "@turntable/proto";
import { createGrpcTransport, type GrpcOptions } from "./grpc-transport.ts";
import { createOperations, type OperationOptions } from "./operations.ts";
import { systemTiming, withRetry } from "./retry.ts";
import type { ClientOptions } from "./turntable-client.ts";

/** Options of `createAdminClient`; the API key needs the scope `admin`. */
export interface AdminClientOptions
  extends GrpcOptions,
    Pick<ClientOptions, "timeoutMs" | "retry" | "onRetry"> {}

/** One call of AdminService, with its message as fields. */
export type AdminCall<M extends DescMethod> = (
  request: MessageInitShape<M["input"]>,
  options?: OperationOptions,
) => Promise<MessageShape<M["output"]>>;

/** Every call of AdminService by its name, such as `listMiners`; tried again while the server is unavailable. */
export type AdminClient = Disposable & {
  readonly [K in keyof typeof AdminService.method]: AdminCall<(typeof AdminService.method)[K]>;
};

/**
 * Creates a client of the admin port; it connects with its first call and is disposed when no longer needed.
 * @throws InvalidOptionError for an address or key that cannot be used.
 */
export function createAdminClient(options: AdminClientOptions): AdminClient {
  const transport = createGrpcTransport(options);
  const { begin, timeoutMs } = createOperations(options, { timing: systemTiming });
  const methods: readonly DescMethodUnary[] = Object.values(AdminService.method);
  const calls = methods.map((method) => [
    method.localName,
    (request: MessageInitShape<DescMessage>, operation: OperationOptions = {}) => {
      const { call, retry } = begin(operation, timeoutMs);
      return withRetry(retry, () => transport.unary(method, request, call));
    },
  ]);
  const dispose = () => transport[Symbol.dispose]();
  // Built from the same descriptor that the type is computed from.
  return { ...Object.fromEntries(calls), [Symbol.dispose]: dispose } as AdminClient;
}
