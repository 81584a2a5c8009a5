/** The place of a viewer on a page. */
import type { ScoreReport } from "@turntable/proto";
import { useEffect, useRef, useState } from "preact/hooks";
import type { AssetSource, Viewer } from "../viewer/contract.ts";
import { Failed, Loading } from "./states.tsx";

/**
 * Shows what it is given first: another asset is another frame, with another key.
 * @param onViewer called with the viewer once it is there, and with undefined when it leaves
 */
export function ViewerFrame({
  source,
  report,
  caption,
  onViewer,
}: {
  readonly source: AssetSource;
  /** Without one it is looked at freely. */
  readonly report: ScoreReport | undefined;
  readonly caption: string;
  readonly onViewer?: ((viewer: Viewer | undefined) => void) | undefined;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<"loading" | "shown" | { readonly error: unknown }>("loading");
  const first = useRef(source);
  const latest = useRef(onViewer);
  latest.current = onViewer;
  useEffect(() => {
    const left = new AbortController();
    let viewer: Viewer | undefined;
    import("../viewer/index.ts").then(
      ({ mountViewer }) => {
        if (left.signal.aborted || place.current === null) {
          return;
        }
        viewer = mountViewer(place.current, {
          source: first.current,
          cameras: report?.views,
          profile: report?.profile,
          caption,
        });
        setState("shown");
        latest.current?.(viewer);
      },
      (error: unknown) => setState({ error }),
    );
    return () => {
      left.abort();
      latest.current?.(undefined);
      viewer?.[Symbol.dispose]();
    };
  }, []);
  return (
    <div class="viewer-frame">
      {state === "loading" ? <Loading what="the viewer" /> : undefined}
      {typeof state === "object" ? <Failed error={state.error} /> : undefined}
      <div ref={place} />
    </div>
  );
}
