/** The views that were scored, each with its probability. */
import type { ScoreReport } from "@turntable/proto";
import { useEffect, useRef, useState } from "preact/hooks";
import { fetchAsset } from "../data/assets.ts";
import { formatScore } from "../format.ts";
import { Failed } from "./states.tsx";

/** Of a picture, in device pixels: less is not seen well, more costs time and shows no more. */
const smallest = 96;
const largest = 288;

type Drawing =
  | { readonly kind: "fetching"; readonly share: number }
  | { readonly kind: "drawing"; readonly done: number }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: unknown };

export function ContactSheet({
  copyId,
  report,
  chosen,
  onChoose,
}: {
  readonly copyId: string;
  readonly report: ScoreReport;
  readonly chosen: number | undefined;
  readonly onChoose: (view: number) => void;
}) {
  const canvases = useRef<(HTMLCanvasElement | null)[]>([]);
  const [drawing, setDrawing] = useState<Drawing>({ kind: "fetching", share: 0 });
  const [round, setRound] = useState(0);
  const { views, acceptance } = report;
  const worst = worstOf(views);
  useEffect(() => {
    const left = new AbortController();
    const { signal } = left;
    const draw = async (): Promise<void> => {
      const bytes = await fetchAsset(copyId, signal, (share) =>
        setDrawing({ kind: "fetching", share }),
      );
      const { drawContactSheet } = await import("../viewer/index.ts");
      const width = (canvases.current[0]?.clientWidth ?? 0) * devicePixelRatio;
      let done = 0;
      setDrawing({ kind: "drawing", done });
      await drawContactSheet({
        bytes,
        cameras: views,
        profile: report.profile,
        sizePixels: Math.round(Math.min(largest, Math.max(smallest, width))),
        signal,
        onView(view, picture) {
          const canvas = canvases.current[view];
          if (canvas) {
            canvas.width = picture.width;
            canvas.height = picture.height;
            canvas.getContext("2d")?.putImageData(picture, 0, 0);
          }
          done += 1;
          setDrawing({ kind: "drawing", done });
        },
      });
      setDrawing({ kind: "done" });
    };
    draw().catch((error: unknown) => signal.aborted || setDrawing({ kind: "failed", error }));
    return () => left.abort();
  }, [copyId, round]);
  return (
    <>
      {drawing.kind === "failed" ? (
        <Failed error={drawing.error} retry={() => setRound(round + 1)} />
      ) : (
        <p class={drawing.kind === "done" ? "quiet" : "loading"} role="status">
          {progressWords(drawing, views.length)}
        </p>
      )}
      <ol class="sheet" aria-busy={drawing.kind === "drawing"}>
        {views.map(({ azimuthDeg, elevationDeg, probability }, view) => {
          const tone = probability < acceptance ? "bad" : "good";
          const where = `azimuth ${Math.round(azimuthDeg)}°, elevation ${Math.round(elevationDeg)}°`;
          return (
            <li key={view}>
              <button
                type="button"
                class={view === worst ? "view worst" : "view"}
                aria-pressed={view === chosen}
                title={where}
                onClick={() => onChoose(view)}
              >
                <canvas
                  ref={(canvas) => {
                    canvases.current[view] = canvas;
                  }}
                  width="1"
                  height="1"
                />
                <span class="off-screen">
                  View {view + 1}, {where}:{" "}
                </span>
                <span class={`view-score ${tone}`}>{formatScore(probability)}</span>
                {view === worst ? (
                  <span class="view-place">worst</span>
                ) : (
                  <span class="view-place" aria-hidden="true">
                    {Math.round(azimuthDeg)}°
                  </span>
                )}
              </button>
            </li>
          );
        })}
      </ol>
    </>
  );
}

function progressWords(drawing: Drawing, count: number): string {
  switch (drawing.kind) {
    case "fetching":
      return `Fetching the asset … ${Math.round(drawing.share * 100)} %`;
    case "drawing":
      return `Drawing … ${drawing.done} of ${count} views`;
    default:
      return `The ${count} views as they were scored, drawn here by the same rasteriser.`;
  }
}

/** The index of the view with the lowest probability. */
export function worstOf(views: readonly { readonly probability: number }[]): number {
  const least = Math.min(...views.map(({ probability }) => probability));
  return views.findIndex(({ probability }) => probability === least);
}
