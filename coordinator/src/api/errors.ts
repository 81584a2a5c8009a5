/** The one place where what can go wrong in a call gets its gRPC status. */
import { status } from "@grpc/grpc-js";
import { RpcError } from "@turntable/proto/grpc";

export const invalidArgument = (message: string): RpcError =>
  new RpcError(status.INVALID_ARGUMENT, message);
export const notFound = (what: string): RpcError => new RpcError(status.NOT_FOUND, what);
export const alreadyExists = (message: string): RpcError =>
  new RpcError(status.ALREADY_EXISTS, message);
export const failedPrecondition = (message: string): RpcError =>
  new RpcError(status.FAILED_PRECONDITION, message);
export const resourceExhausted = (message: string): RpcError =>
  new RpcError(status.RESOURCE_EXHAUSTED, message);
export const unauthenticated = (message: string): RpcError =>
  new RpcError(status.UNAUTHENTICATED, message);
export const unavailable = (message: string): RpcError => new RpcError(status.UNAVAILABLE, message);
