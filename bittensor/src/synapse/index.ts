export { ConsentTextError, consentTextSha256, loadConsentText } from "./consent.ts";
export {
  anyJson,
  bigint,
  bool,
  type Field,
  FieldError,
  type Fields,
  type FieldType,
  float,
  int,
  list,
  model,
  nullable,
  optional,
  required,
  str,
  type Values,
  withDefault,
} from "./field.ts";
export { isJsonObject, type Json, parseJson, stringifyJson } from "./json.ts";
export { sdkVersionNumber } from "./sdk-version.ts";
export {
  feedbackModel,
  generate,
  generationStatus,
  getVersion,
  ping,
  pullTask,
  statusCheck,
  submitResults,
  taskModel,
  versionModel,
} from "./sn17.ts";
export { retrieveUser, storeUser } from "./sn21.ts";
export {
  findSubmissionYear,
  type ProtocolYear,
  type SubmissionFacts,
  signSubmission,
  submissionMessages,
  verifySubmission,
} from "./submission.ts";
export {
  bodyHash,
  completeFields,
  defineSynapse,
  type InputOf,
  parseSynapse,
  type Synapse,
  type ValuesOf,
  zeroHeaders,
} from "./synapse.ts";
export {
  HeaderError,
  parseTerminal,
  type Terminal,
  terminal,
  terminalHeaders,
} from "./terminal.ts";
export { verdictHistory, verdictModel } from "./verdict-history.ts";
