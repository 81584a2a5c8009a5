/** The newest task with a result, turning. */
import type { PublicTask } from "@turntable/proto";
import { subnet } from "../../api.ts";
import { useCall, useEvery } from "../../data/stream.ts";
import { Hotkey, PromptLink } from "../../ui/names.tsx";
import { Section } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { Turntable } from "../../ui/turntable.tsx";
import { Score } from "../../ui/verdict.tsx";

/** A task ends for its miners one after the other, and nothing tells when the last is done. */
const lookMs = 5_000;

/** @param task undefined while there is none with a result */
export function LatestResult({ task }: { readonly task: PublicTask | undefined }) {
  const { value, error, loading, reload } = useCall(
    (signal) => winnerOf(task?.id ?? "", signal),
    task?.id,
  );
  useEvery(lookMs, () => value?.published === false && reload());
  return (
    <Section title="Latest result" aside={<Ago time={task?.endTime ?? task?.createTime} />}>
      {task === undefined ? (
        <Empty>What the subnet made last turns here as soon as a task has a result.</Empty>
      ) : (
        <>
          <p class="result-line">
            <PromptLink id={task.id} prompt={task.prompt} />
            <span class="quiet">
              <Score score={task.bestScore} />, by <Hotkey hotkey={task.winnerHotkey} />
            </span>
          </p>
          {loading ? <Loading what="the result" /> : undefined}
          {error === undefined ? undefined : <Failed error={error} retry={reload} />}
          {value === undefined ? undefined : value.report === undefined ? (
            <Empty>Other miners still work on this task: its cameras are secret until then.</Empty>
          ) : (
            <Turntable key={value.copyId} copyId={value.copyId} report={value.report} />
          )}
        </>
      )}
    </Section>
  );
}

/** The winner's copy, with its report once that is published and while its asset is there. */
async function winnerOf(taskId: string, signal: AbortSignal) {
  const { detail } = await subnet.getPublicTask({ taskId }, { signal });
  const copy = detail?.copies.find(({ id }) => id === detail.winnerId);
  const published = detail?.published === true;
  const shown = published && copy?.downloadable === true;
  const copyId = copy?.id ?? "";
  const { report } = shown ? await subnet.getPublicReport({ copyId }, { signal }) : {};
  return { copyId, published, report };
}
