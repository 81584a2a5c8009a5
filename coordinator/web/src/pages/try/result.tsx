/** What came of a client's own task: in the viewer, and for the disk. */
import type { Asset, Task } from "@turntable/proto";
import { useState } from "preact/hooks";
import { generation } from "../../api.ts";
import { extensionOf, fileNameOf, saveFile } from "../../data/save.ts";
import { useCall } from "../../data/stream.ts";
import { formatBytes, formatScore } from "../../format.ts";
import { Hotkey } from "../../ui/names.tsx";
import { Section } from "../../ui/section.tsx";
import { Failed, Loading } from "../../ui/states.tsx";
import { ViewerFrame } from "../../ui/viewer-frame.tsx";

export function Result({ task }: { readonly task: Task }) {
  const [done, setDone] = useState(0);
  const asset = useCall((signal) => download(task.id, signal, setDone), `${task.id} asset`);
  // The cameras are a secret until the last miner is done; without them it is turned freely.
  const report = useCall(
    (signal) => generation.getReport({ taskId: task.id }, { signal }),
    asset.value === undefined ? undefined : `${task.id} report`,
  );
  if (asset.value === undefined) {
    return (
      <Section title="The result">
        {asset.error === undefined ? (
          <Loading what={`the result, ${Math.round(done * 100)} %`} />
        ) : (
          <Failed error={asset.error} retry={asset.reload} />
        )}
      </Section>
    );
  }
  const { about, bytes } = asset.value;
  const name = `${fileNameOf(task.prompt)}.${extensionOf(about.encoding?.format ?? "")}`;
  return (
    <Section
      title="The result"
      aside={
        <>
          score {formatScore(about.score)}, by <Hotkey hotkey={about.minerHotkey} />
        </>
      }
    >
      {report.loading ? (
        <Loading what="the cameras" />
      ) : (
        <ViewerFrame
          key={report.value === undefined ? "free" : "scored"}
          source={bytes}
          report={report.value?.report}
          caption={task.prompt}
        />
      )}
      <button
        type="button"
        class="start"
        onClick={() => saveFile(name, bytes, "application/octet-stream")}
      >
        Download {name} ({formatBytes(bytes.length)})
      </button>
    </Section>
  );
}

interface Downloaded {
  readonly about: Asset;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function download(
  taskId: string,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Downloaded> {
  let about: Asset | undefined;
  let bytes = new Uint8Array();
  let filled = 0;
  for await (const { part } of generation.downloadAsset({ taskId }, { signal })) {
    if (part.case === "asset") {
      about = part.value;
      bytes = new Uint8Array(Number(about.sizeBytes));
    } else if (part.case === "chunk") {
      bytes.set(part.value, filled);
      filled += part.value.length;
      onProgress(filled / bytes.length);
    }
  }
  if (about === undefined || filled !== bytes.length) {
    throw new Error(`the asset broke off after ${filled} of ${bytes.length} bytes`);
  }
  return { about, bytes };
}
