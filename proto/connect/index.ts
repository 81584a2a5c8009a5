export { corsHeaders, type WebCall, type WebHandler, webHandlers } from "./server.ts";
