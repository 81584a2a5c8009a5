/** Requests byte by byte and reference data, for tests of this and other workspaces. */
export { header, openRaw, type RawAnswer, type RawConnection } from "./raw-http.ts";
export { buildRequest, type RequestParts } from "./signed-request.ts";
export { readVectors, skip, vectorPath } from "./vectors.ts";
