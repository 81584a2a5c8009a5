/** What to change where NATS refuses, by the code of its refusal: its own words say what, and not where to turn. */
import { JetStreamApiError, JetStreamError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";

const offForAccount = 10039;
/** Source of the codes: nats-io/nats-server, server/errors.json. */
const advice: readonly (readonly [codes: readonly number[], sentence: string])[] = [
  [
    [offForAccount, 10076],
    'JetStream is off for this account: add "jetstream: enabled" to the account in the server\'s configuration',
  ],
  [
    [10047, 10023, 10028, 10002, 10077, 10025],
    "the storage of JetStream is full or too small: free some on the server's disk, or raise max_file_store or the account's max_file",
  ],
  [
    [10074, 10005],
    "the cluster is too small for that many copies of a stream: lower --nats-replicas, or start more servers; where enough run, one never joined (`nats server report jetstream` shows which): restart it with an empty store, or all of them, which loses no job",
  ],
  [
    [10065],
    "another stream of this account has some of Turntable's subjects: use an account of its own for it",
  ],
  [[10026], "the account may have no more streams: raise its max_streams"],
  [[10054], "a message is larger than the stream's max_msg_size: raise it or remove it"],
];

/** @param code JetStream's own, `err_code` in its answers */
export function adviceOn(code: number | undefined): string | undefined {
  return code === undefined ? undefined : advice.find(([codes]) => codes.includes(code))?.[1];
}

/** One sentence: what NATS says, and what to change where that is known. */
export function sentenceOf(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  const todo = adviceOn(codeOf(error));
  return todo === undefined ? said : `${said}: ${todo}`;
}

function codeOf(error: unknown): number | undefined {
  if (error instanceof JetStreamApiError) {
    return error.code;
  }
  return isOffForAccount(error) ? offForAccount : undefined;
}

/** Whether the client library threw it for what NATS did. */
export function isFromNats(error: unknown): error is Error {
  return (
    error instanceof errors.ConnectionError ||
    error instanceof errors.ClosedConnectionError ||
    error instanceof errors.DrainingConnectionError ||
    error instanceof errors.RequestError ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.PermissionViolationError ||
    error instanceof JetStreamError ||
    error instanceof JetStreamApiError ||
    isOffForAccount(error)
  );
}

/** Then nobody listens on its subjects; the library has a class for it that it does not export. */
function isOffForAccount(error: unknown): error is Error {
  return error instanceof Error && error.name === "JetStreamNotEnabled";
}
