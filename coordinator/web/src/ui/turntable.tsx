/**
 * An asset once around: the views that it was scored with, one after another. They are drawn by the rasteriser that scores, so that
 * it needs neither the viewer nor a GPU.
 */
import type { ScoreReport } from "@turntable/proto";
import { useEffect, useRef, useState } from "preact/hooks";
import { ViewStrip } from "../charts/view-strip.tsx";
import { fetchAsset } from "../data/assets.ts";
import { formatScore } from "../format.ts";
import { Failed } from "./states.tsx";

/** A turn takes about four seconds. */
const frameMs = 110;
const sizePixels = 288;

export function Turntable({
  copyId,
  report,
}: {
  readonly copyId: string;
  readonly report: ScoreReport;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pictures = useRef<(ImageData | undefined)[]>([]);
  const [ready, setReady] = useState(0);
  const [view, setView] = useState(0);
  const [turning, setTurning] = useState(
    () => !matchMedia("(prefers-reduced-motion: reduce)").matches,
  );
  const [fault, setFault] = useState<unknown>();
  const { views, profile, acceptance, prompt } = report;
  useEffect(() => {
    const left = new AbortController();
    const { signal } = left;
    pictures.current = [];
    setReady(0);
    const draw = async (): Promise<void> => {
      const bytes = await fetchAsset(copyId, signal);
      const { drawContactSheet } = await import("../viewer/index.ts");
      await drawContactSheet({
        bytes,
        cameras: views,
        profile,
        sizePixels,
        signal,
        onView(index, picture) {
          pictures.current[index] = picture;
          setReady((before) => before + 1);
        },
      });
    };
    draw().catch((error: unknown) => signal.aborted || setFault(error));
    return () => left.abort();
  }, [copyId, views, profile]);
  const complete = ready === views.length;
  useEffect(() => {
    if (complete && turning) {
      const timer = setInterval(
        () => document.hidden || setView((before) => (before + 1) % views.length),
        frameMs,
      );
      return () => clearInterval(timer);
    }
  }, [complete, turning, views.length]);
  useEffect(() => {
    const picture = pictures.current[view];
    if (picture !== undefined) {
      canvas.current?.getContext("2d")?.putImageData(picture, 0, 0);
    }
  }, [view, ready]);
  if (fault !== undefined) {
    return <Failed error={fault} />;
  }
  const step = (by: number): void => {
    setTurning(false);
    setView((before) => (before + by + views.length) % views.length);
  };
  return (
    <figure class="turntable">
      <canvas
        ref={canvas}
        width={sizePixels}
        height={sizePixels}
        role="img"
        aria-label={`${prompt}, once around`}
      />
      <ViewStrip
        probabilities={views.map(({ probability }) => probability)}
        acceptance={acceptance}
        current={view}
      />
      <figcaption class="turntable-foot">
        <button
          type="button"
          class="small"
          onClick={() => setTurning(!turning)}
          disabled={!complete}
        >
          {turning ? "Stop" : "Turn"}
        </button>
        <button type="button" class="small" aria-label="The view before" onClick={() => step(-1)}>
          ‹
        </button>
        <button type="button" class="small" aria-label="The next view" onClick={() => step(1)}>
          ›
        </button>
        <span class="quiet number">
          {complete
            ? `view ${view + 1}: ${formatScore(views[view]?.probability ?? 0)}`
            : `drawing ${ready} of ${views.length}`}
        </span>
      </figcaption>
    </figure>
  );
}
