export { type ErrorTable, HttpError, InternalHttpError } from "./errors.ts";
export {
  compressed,
  type FileForm,
  formFor,
  isKnown,
  readFolder,
  type ServedFile,
  servedFile,
} from "./folder.ts";
export {
  answeredAlready,
  type HttpApp,
  type HttpContext,
  type HttpRequestEvent,
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from "./server.ts";
export type { HttpTls } from "./tls.ts";
