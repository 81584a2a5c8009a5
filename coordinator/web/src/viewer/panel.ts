/** What stands around the picture: buttons, the camera in words, and what is said of the asset. No state of its own. */
import type { Background, ScoredCamera, ViewerCamera } from "./contract.ts";
import type { AssetFacts } from "./messages.ts";

export interface PanelActions {
  /** Goes on by so many scored cameras. */
  step(by: number): void;
  /** Looks through a scored camera, by its number from 0. */
  choose(view: number): void;
  play(): void;
  /** Leaves the scored cameras, and goes back to the start. */
  free(): void;
  background(background: Background): void;
  save(): void;
}

export interface Panel {
  readonly root: HTMLElement;
  /** Where the picture is, whose size the canvas has. */
  readonly picture: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  showCamera(camera: ViewerCamera): void;
  showPlaying(isPlaying: boolean): void;
  showBackground(background: Background): void;
  showFacts(facts: AssetFacts, drawnBy: string): void;
  /** Over the picture; undefined takes it away. */
  showMessage(message: string | undefined, isFault?: boolean): void;
  /** Another canvas in the place of one whose kind of context is taken. */
  renewCanvas(): HTMLCanvasElement;
}

const backgrounds: readonly Background[] = ["scored", "white", "black", "checker"];

export function createPanel(
  caption: string,
  cameras: readonly ScoredCamera[],
  actions: PanelActions,
): Panel {
  const message = element("p", "viewer-message");
  message.setAttribute("role", "status");
  let canvas = createCanvas(caption, cameras.length > 0);
  const picture = element("div", "viewer-picture", canvas, message);
  const words = element("p", "viewer-words");
  const facts = element("div", "viewer-facts");
  const previous = button("‹", "Previous scored view", () => actions.step(-1));
  const play = button("Play", "Play the scored views", actions.play);
  const next = button("›", "Next scored view", () => actions.step(1));
  const slider = createSlider(cameras.length, actions.choose);
  const free = button(
    cameras.length > 0 ? "Free" : "Reset",
    "Look from where it began",
    actions.free,
  );
  const select = createSelect(actions.background);
  const save = button("Save picture", "Save this view as a PNG", actions.save);
  const views = cameras.length > 0 ? [previous, play, next, slider] : [];
  const bar = element("div", "viewer-bar", ...views, free, label("Background", select), save);
  const root = element("div", "viewer", picture, words, bar, facts);
  return {
    root,
    picture,
    get canvas() {
      return canvas;
    },
    showCamera(camera) {
      words.textContent = wordsOf(camera, cameras);
      if (camera.kind === "scored") {
        slider.value = String(camera.view + 1);
      }
      slider.toggleAttribute("data-idle", camera.kind === "free");
    },
    showPlaying(isPlaying) {
      play.textContent = isPlaying ? "Pause" : "Play";
      play.setAttribute("aria-pressed", String(isPlaying));
    },
    showBackground(background) {
      select.value = background;
      picture.dataset.background = background;
    },
    showFacts(of, drawnBy) {
      facts.replaceChildren(...factsOf(of, drawnBy));
    },
    showMessage(text, isFault = false) {
      message.textContent = text ?? "";
      message.hidden = text === undefined;
      message.classList.toggle("viewer-fault", isFault);
    },
    renewCanvas() {
      const renewed = createCanvas(caption, cameras.length > 0);
      canvas.replaceWith(renewed);
      canvas = renewed;
      return renewed;
    },
  };
}

function createCanvas(caption: string, hasViews: boolean): HTMLCanvasElement {
  const canvas = element("canvas", "viewer-canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  const keys = hasViews ? ", comma and full stop step through the scored views, space plays" : "";
  canvas.setAttribute("aria-label", `${caption}. Arrow keys turn it, plus and minus zoom${keys}.`);
  return canvas;
}

function createSlider(views: number, choose: (view: number) => void): HTMLInputElement {
  const slider = element("input", "viewer-slider");
  slider.type = "range";
  slider.min = "1";
  slider.max = String(views);
  slider.value = "1";
  slider.setAttribute("aria-label", "Scored view");
  slider.addEventListener("input", () => choose(Number(slider.value) - 1));
  return slider;
}

function createSelect(choose: (background: Background) => void): HTMLSelectElement {
  const select = element("select", "viewer-select");
  for (const background of backgrounds) {
    const option = element("option", "");
    option.value = background;
    option.textContent = background === "scored" ? "as scored" : background;
    select.append(option);
  }
  select.addEventListener("change", () => {
    const chosen = backgrounds.find((background) => background === select.value);
    choose(chosen ?? "scored");
  });
  return select;
}

function wordsOf(camera: ViewerCamera, cameras: readonly ScoredCamera[]): string {
  if (camera.kind === "free") {
    return `azimuth ${degrees(camera.azimuthDeg)}, elevation ${degrees(camera.elevationDeg)}`;
  }
  const scored = cameras[camera.view];
  if (scored === undefined) {
    return "";
  }
  const where = `azimuth ${degrees(scored.azimuthDeg)}, elevation ${degrees(scored.elevationDeg)}`;
  return `view ${camera.view + 1} of ${cameras.length}: ${where}, probability ${scored.probability.toFixed(3)}`;
}

function degrees(value: number): string {
  return `${Math.round(value)}°`.replace("-", "−");
}

function factsOf(facts: AssetFacts, drawnBy: string): readonly HTMLElement[] {
  const size = facts.sizeBytes / 2 ** 20;
  const harmonics = facts.shDegree === 0 ? "one colour a splat" : `harmonics to ${facts.shDegree}`;
  const line = element("p", "viewer-line");
  line.textContent = [
    `${facts.count.toLocaleString("en")} splats`,
    facts.format,
    `${size < 0.1 ? (size * 1024).toFixed(1) : size.toFixed(1)} ${size < 0.1 ? "KiB" : "MiB"}`,
    harmonics,
    `drawn by ${drawnBy}`,
  ].join(" · ");
  const told = [
    ...facts.findings.map(({ severity, message }) => `${severity}: ${message}`),
    ...facts.notes,
  ];
  if (told.length === 0) {
    line.textContent += " · lint found nothing";
    return [line];
  }
  const list = element("ul", "");
  for (const text of told) {
    const item = element("li", "");
    item.textContent = text;
    list.append(item);
  }
  const summary = element("summary", "");
  const { length } = facts.findings;
  summary.textContent = length === 0 ? "Lint found nothing; notes" : `Lint: ${length} found`;
  const details = element("details", "", summary, list);
  return [line, details];
}

function button(text: string, title: string, onClick: () => void): HTMLButtonElement {
  const made = element("button", "viewer-button");
  made.type = "button";
  made.textContent = text;
  made.title = title;
  if (text.length === 1) {
    made.setAttribute("aria-label", title);
  }
  made.addEventListener("click", onClick);
  return made;
}

function label(text: string, control: HTMLElement): HTMLElement {
  const made = element("label", "viewer-label", text, control);
  return made;
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}
