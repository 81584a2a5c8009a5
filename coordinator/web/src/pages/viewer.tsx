/** Looks at an asset: of a copy by its id in the address, or from the reader's disk. */
import { useState } from "preact/hooks";
import { subnet } from "../api.ts";
import { fetchAsset } from "../data/assets.ts";
import { useCall } from "../data/stream.ts";
import { formatBytes } from "../format.ts";
import { pathOf, usePlace } from "../router.ts";
import { Failed, Loading } from "../ui/states.tsx";
import { useTitle } from "../ui/title.ts";
import { ViewerFrame } from "../ui/viewer-frame.tsx";

/** What decoders take at most, so that a file of another kind is refused before it is read. */
const largestBytes = 256 << 20;

interface Dropped {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Tells one file from the next. */
  readonly number: number;
}

export function ViewerPage() {
  useTitle("Viewer");
  const { query } = usePlace();
  const copyId = query.get("copy") ?? undefined;
  const [dropped, setDropped] = useState<Dropped>();
  const [fault, setFault] = useState<string>();
  const [over, setOver] = useState(false);
  const open = async (file: File | undefined): Promise<void> => {
    if (file === undefined) {
      return;
    }
    if (file.size > largestBytes) {
      setFault(
        `${file.name} has ${formatBytes(file.size)}; at most ${formatBytes(largestBytes)} can be looked at.`,
      );
      return;
    }
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      setFault(undefined);
      setDropped((before) => ({ name: file.name, bytes, number: (before?.number ?? 0) + 1 }));
    } catch {
      setFault(`${file.name} could not be read.`);
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is for pointers; the field below does the same for all others
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void open(event.dataTransfer?.files[0]);
      }}
    >
      <header class="page-head">
        <h1>Viewer</h1>
        <label class="file-field">
          Open a file, or drop one here: PLY, SPZ, HDF5, GLB, SOG, .ksplat
          <input
            type="file"
            onChange={({ currentTarget }) => void open(currentTarget.files?.[0])}
          />
        </label>
      </header>
      <p class="quiet">
        A file from your disk stays in this browser. It is decoded by the code that validators
        decode with: what is shown is what would be scored.
      </p>
      {fault === undefined ? undefined : (
        <p class="notice bad" role="alert">
          {fault}
        </p>
      )}
      {dropped !== undefined ? (
        <ViewerFrame
          key={dropped.number}
          source={dropped.bytes}
          report={undefined}
          caption={dropped.name}
        />
      ) : copyId !== undefined ? (
        <CopyViewer key={copyId} copyId={copyId} />
      ) : (
        <p class="empty">
          Nothing is open. Every scored copy of a task can be looked at, too: choose one of{" "}
          <a href={pathOf({ page: "tasks" })}>the tasks</a>.
        </p>
      )}
    </div>
  );
}

function CopyViewer({ copyId }: { readonly copyId: string }) {
  const { value, error, loading, reload } = useCall(
    (signal) => subnet.getPublicReport({ copyId }, { signal }),
    copyId,
  );
  const report = value?.report;
  if (report === undefined) {
    return loading ? <Loading what="the report" /> : <Failed error={error} retry={reload} />;
  }
  return (
    <>
      <p>
        <a href={pathOf({ page: "task", id: report.taskId })}>{report.prompt}</a>
      </p>
      <ViewerFrame
        source={(signal) => fetchAsset(copyId, signal)}
        report={value?.published ? report : undefined}
        caption={report.prompt}
      />
    </>
  );
}
