export {
  type ApiKey,
  ApiKeyError,
  type ApiKeys,
  type CallLimits,
  type NewApiKey,
  openApiKeys,
  type Scope,
  scopes,
} from "./api-keys.ts";
export { type FileKey, parseApiKeys } from "./key-file.ts";
