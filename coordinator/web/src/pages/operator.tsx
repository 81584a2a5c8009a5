/** The operator's side, behind a key with the scope `admin`. */
import { Code, ConnectError } from "@connectrpc/connect";
import { CoordinatorRole, type GetStatusResponse } from "@turntable/proto";
import { useState } from "preact/hooks";
import { admin, explain, forgetKeys, keepKey, needsKey, readKey } from "../api.ts";
import { useCall, useEvery } from "../data/stream.ts";
import { formatCount } from "../format.ts";
import { KeyForm } from "../ui/key-form.tsx";
import { Figure } from "../ui/section.tsx";
import { Failed, Loading } from "../ui/states.tsx";
import { Ago } from "../ui/time.tsx";
import { useTitle } from "../ui/title.ts";
import { DeadLetters } from "./operator/dead-letters.tsx";
import { IntakeControl } from "./operator/intake.tsx";
import { Keys } from "./operator/keys.tsx";
import { WeightAttempts } from "./operator/weight-attempts.tsx";
import { WeightsPlan } from "./operator/weights-plan.tsx";
import { OperatorWorkers } from "./operator/workers.tsx";

const lookMs = 3_000;
/** Only where others may stand by there is something to say. */
const roleWords: Readonly<Partial<Record<CoordinatorRole, string>>> = {
  [CoordinatorRole.LEADING]: "leads",
  [CoordinatorRole.UNCERTAIN]: "uncertain",
};

export function OperatorPage() {
  useTitle("Operator");
  /** Counts the keys that were tried, so that each is asked for anew. */
  const [round, setRound] = useState(0);
  const key = readKey("operator");
  const status = useCall(
    (signal) => admin.getStatus({}, { signal }),
    key === undefined ? undefined : `status ${round}`,
  );
  useEvery(lookMs, status.reload);
  const leave = (): void => {
    forgetKeys();
    setRound(round + 1);
  };
  const refused = status.error !== undefined && needsKey(status.error);
  if (key === undefined || refused) {
    return (
      <>
        <header class="page-head">
          <h1>Operator</h1>
        </header>
        <KeyForm
          label="API key with the scope admin"
          hint={
            refused
              ? explain(status.error)
              : "Everything here needs a key with the scope admin. npm start keeps one in .turntable/operator.key; elsewhere: turntable-coordinator keys create me --scope admin."
          }
          onKey={(entered) => {
            keepKey("operator", entered);
            setRound(round + 1);
          }}
        />
      </>
    );
  }
  return (
    <>
      <header class="page-head">
        <h1>Operator</h1>
        <button type="button" class="small" onClick={leave}>
          Forget the key
        </button>
      </header>
      {status.error === undefined ? undefined : <Fault error={status.error} />}
      {status.loading ? <Loading what="the status" /> : undefined}
      {status.value === undefined ? undefined : (
        <Sections status={status.value} onChange={status.reload} />
      )}
    </>
  );
}

function Fault({ error }: { readonly error: unknown }) {
  return ConnectError.from(error).code === Code.Unimplemented ? (
    <p class="notice idle">
      This coordinator does not serve the operator's side to browsers: it does with
      --admin-web-enabled.
    </p>
  ) : (
    <Failed error={error} />
  );
}

function Sections({
  status,
  onChange,
}: {
  readonly status: GetStatusResponse;
  readonly onChange: () => void;
}) {
  const open = status.openTasks.reduce((sum, { count }) => sum + count, 0n);
  const jobs = status.queue.reduce((sum, { jobs: of }) => sum + of, 0n);
  return (
    <>
      {status.notReady === "" ? undefined : (
        <p class="notice bad">
          <strong>Not ready</strong> {status.notReady}
        </p>
      )}
      <dl class="figures">
        <Figure
          name="Up since"
          value={<Ago time={status.startTime} />}
          note={`rules ${status.rules}`}
        />
        <Figure name="Open tasks" value={formatCount(open)} note="not ended" />
        <Figure
          name="Without a verdict"
          value={formatCount(status.pending)}
          note={`${formatCount(jobs)} in the queue`}
        />
        {roleWords[status.role] === undefined ? undefined : (
          <Figure name="Role" value={roleWords[status.role]} note={`as ${status.name}`} />
        )}
        <Figure
          name="Workers"
          value={formatCount(status.workers)}
          note="with a result in ten minutes"
        />
        <Figure name="Miners" value={formatCount(status.miners)} note="registered" />
      </dl>
      <div class="grid">
        <IntakeControl status={status} onChange={onChange} />
        <DeadLetters />
        <OperatorWorkers />
        <Keys />
        <WeightsPlan />
        <WeightAttempts />
      </div>
    </>
  );
}
