/** One copy of a task, or two of them side by side: what was seen, and what was said of it. */
import type { PublicCopy, PublicTaskDetail } from "@turntable/proto";
import { useRef, useState } from "preact/hooks";
import { subnet } from "../../api.ts";
import { ViewStrip } from "../../charts/view-strip.tsx";
import { fetchAsset } from "../../data/assets.ts";
import { useCall } from "../../data/stream.ts";
import { shorten } from "../../format.ts";
import { ContactSheet } from "../../ui/contact-sheet.tsx";
import { Section } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { ViewerFrame } from "../../ui/viewer-frame.tsx";
import type { Viewer, ViewerCamera } from "../../viewer/contract.ts";
import { Report } from "./report.tsx";

export function CopyView({
  detail,
  copy,
  beside,
}: {
  readonly detail: PublicTaskDetail;
  readonly copy: PublicCopy;
  readonly beside: PublicCopy | undefined;
}) {
  const shown = beside === undefined ? [copy] : [copy, beside];
  /** Whether somebody wants to look: the viewer is loaded then. */
  const [opened, setOpened] = useState(false);
  /** The view that is looked at; undefined from elsewhere. */
  const [view, setView] = useState<number>();
  const viewers = useRef(new Map<string, Viewer>());
  const look = (next: number): void => {
    setOpened(true);
    setView(next);
    for (const viewer of viewers.current.values()) {
      viewer.setCamera({ kind: "scored", view: next });
    }
  };
  const link = (id: string, viewer: Viewer | undefined): void => {
    if (viewer === undefined) {
      viewers.current.delete(id);
      return;
    }
    viewers.current.set(id, viewer);
    viewer.setCamera({ kind: "scored", view: view ?? 0 });
    viewer.onCamera((camera) => {
      setView(camera.kind === "scored" ? camera.view : undefined);
      turnOthers(viewers.current, viewer, camera);
    });
  };
  return (
    <div class={shown.length === 2 ? "pair" : undefined}>
      {shown.map((one) => (
        <OneCopy
          key={one.id}
          detail={detail}
          copy={one}
          opened={opened}
          view={view}
          onLook={look}
          onViewer={(viewer) => link(one.id, viewer)}
        />
      ))}
    </div>
  );
}

function turnOthers(
  viewers: ReadonlyMap<string, Viewer>,
  turned: Viewer,
  camera: ViewerCamera,
): void {
  for (const viewer of viewers.values()) {
    if (viewer !== turned) {
      viewer.setCamera(camera);
    }
  }
}

function OneCopy({
  detail,
  copy,
  opened,
  view,
  onLook,
  onViewer,
}: {
  readonly detail: PublicTaskDetail;
  readonly copy: PublicCopy;
  readonly opened: boolean;
  readonly view: number | undefined;
  readonly onLook: (view: number) => void;
  readonly onViewer: (viewer: Viewer | undefined) => void;
}) {
  const { value, error, loading, reload } = useCall(
    (signal) => subnet.getPublicReport({ copyId: copy.id }, { signal }),
    copy.scoring === undefined ? undefined : `${copy.id} ${detail.published}`,
  );
  const report = value?.report;
  const title = `How the copy of ${shorten(copy.minerHotkey)} was scored`;
  if (copy.scoring === undefined) {
    return (
      <Section title={title} wide>
        <Empty>{copy.reason === "" ? "It was not scored." : copy.reason}</Empty>
      </Section>
    );
  }
  if (report === undefined) {
    return (
      <Section title={title} wide>
        {loading ? <Loading what="the report" /> : <Failed error={error} retry={reload} />}
      </Section>
    );
  }
  const { published, signatureValid } = value ?? {};
  const strip = (
    <ViewStrip
      probabilities={report.views.map(({ probability }) => probability)}
      acceptance={report.acceptance}
      current={view}
    />
  );
  const prompt = detail.task?.prompt ?? "";
  return (
    <Section title={title} aside={strip} wide>
      {!published ? (
        <p class="notice idle">
          The task goes on: its cameras and assets are secret until the last miner is done, so that
          nobody can aim at them.
        </p>
      ) : copy.downloadable ? (
        <>
          {opened ? (
            <ViewerFrame
              source={(signal) => fetchAsset(copy.id, signal)}
              report={report}
              caption={`${prompt}, by ${copy.minerHotkey}`}
              onViewer={onViewer}
            />
          ) : (
            <button type="button" class="primary start" onClick={() => onLook(0)}>
              Turn it in 3D
            </button>
          )}
          <ContactSheet copyId={copy.id} report={report} chosen={view} onChoose={onLook} />
        </>
      ) : (
        <Empty>The asset was removed: what is left is what was said of it.</Empty>
      )}
      <Report
        copy={copy}
        report={report}
        published={published === true}
        serverVerified={signatureValid === true}
      />
    </Section>
  );
}
