/** A task: what happened to it, what miners made of it, and how that was scored. */
import type { PublicCopy, PublicTaskDetail } from "@turntable/proto";
import { TaskOrigin } from "@turntable/proto";
import { useState } from "preact/hooks";
import { subnet } from "../api.ts";
import { useStream } from "../data/stream.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Hotkey } from "../ui/names.tsx";
import { Section } from "../ui/section.tsx";
import { Failed, Loading } from "../ui/states.tsx";
import { Ago, Took } from "../ui/time.tsx";
import { useTitle } from "../ui/title.ts";
import { TaskBadge } from "../ui/verdict.tsx";
import { Copies } from "./task/copies.tsx";
import { CopyView } from "./task/copy-view.tsx";
import { Timeline } from "./task/timeline.tsx";

export function TaskPage({ id }: { readonly id: string }) {
  const { value, state, error } = useStream(
    (signal) => subnet.watchPublicTask({ taskId: id }, { signal }),
    (before: PublicTaskDetail | undefined, { detail }) => detail ?? before,
    id,
  );
  useTitle(value?.task?.prompt ?? "Task");
  if (value?.task === undefined) {
    return (
      <>
        <h1 class="off-screen">Task</h1>
        {state === "refused" ? <Failed error={error} /> : <Loading what="the task" />}
      </>
    );
  }
  return <Detail key={id} detail={value} />;
}

function Detail({ detail }: { readonly detail: PublicTaskDetail }) {
  const { task, changes, copies, winnerId, outcomeReason } = detail;
  const [chosen, setChosen] = useState<string>();
  const [beside, setBeside] = useState<string>();
  const shown = copyOf(copies, chosen ?? (winnerId || bestOf(copies)?.id));
  const compared = copyOf(copies, beside);
  const winner = copyOf(copies, winnerId);
  return (
    <>
      <header class="task-head">
        <h1 class="prompt-title">{task?.prompt}</h1>
        <p class="quiet">
          <TaskBadge state={task?.state ?? 0} />{" "}
          {task?.origin === TaskOrigin.SYNTHETIC ? "of the prompt dataset" : "of a client"}, asked{" "}
          <Ago time={task?.createTime} />, took <Took from={task?.createTime} to={task?.endTime} />{" "}
          <span class="mono">{task?.id}</span>{" "}
          <CopyButton text={task?.id ?? ""} what="the task's id" />
        </p>
        {task?.failure === undefined ? undefined : (
          <p class="notice bad">
            <strong>{task.failure.code}</strong> {task.failure.message}
          </p>
        )}
        {outcomeReason === "" ? undefined : (
          <p class="outcome">
            {winner === undefined ? undefined : (
              <>
                <Hotkey hotkey={winner.minerHotkey} />:{" "}
              </>
            )}
            {outcomeReason}
          </p>
        )}
      </header>
      <div class="grid">
        <Section title="What happened">
          <Timeline changes={changes} />
        </Section>
        <Copies
          copies={copies}
          winnerId={winnerId}
          shownId={shown?.id}
          besideId={compared?.id}
          onShow={setChosen}
          onCompare={setBeside}
        />
      </div>
      {shown === undefined ? undefined : (
        <CopyView key={shown.id} detail={detail} copy={shown} beside={compared} />
      )}
    </>
  );
}

function copyOf(copies: readonly PublicCopy[], id: string | undefined): PublicCopy | undefined {
  return copies.find((copy) => copy.id === id);
}

/** The one with the highest score; the latest while none has one. */
function bestOf(copies: readonly PublicCopy[]): PublicCopy | undefined {
  return copies.toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1))[0];
}
