/** Pointer, touch, wheel and keys as turns and zooms. */

export interface OrbitActions {
  /** Degrees that the camera goes around and up. */
  turn(azimuthDeg: number, elevationDeg: number): void;
  /** @param factor of the distance */
  zoom(factor: number): void;
  /** A key that is none of the above. Returns whether it meant something. */
  key(key: string): boolean;
}

/** A drag over the whole width turns it half around. */
const turnOfWidthDeg = 180;
const keyTurnDeg = 5;
const keyZoom = 1.1;
/** Of a wheel's step, which is about 100 pixels. */
const wheelZoom = 0.001;

/** Until the signal is aborted. */
export function attachOrbit(canvas: HTMLElement, actions: OrbitActions, signal: AbortSignal): void {
  const pointers = new Map<number, { readonly x: number; readonly y: number }>();
  const options = { signal };
  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button === 0) {
        canvas.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      }
    },
    options,
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) {
        return;
      }
      const now = { x: event.clientX, y: event.clientY };
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      if (other !== undefined) {
        const distance = (from: typeof now): number =>
          Math.hypot(from.x - other.x, from.y - other.y);
        actions.zoom(Math.max(1, distance(before)) / Math.max(1, distance(now)));
        return;
      }
      // What is seen follows the pointer, so the camera goes the other way.
      const perPixel = turnOfWidthDeg / Math.max(1, canvas.clientWidth);
      actions.turn((before.x - now.x) * perPixel, (before.y - now.y) * perPixel);
    },
    options,
  );
  for (const kind of ["pointerup", "pointercancel"] as const) {
    canvas.addEventListener(kind, ({ pointerId }) => pointers.delete(pointerId), options);
  }
  canvas.addEventListener(
    "wheel",
    (event) => {
      // The page must scroll past it: the wheel is for whoever has taken hold of it, or pinches.
      if (document.activeElement === canvas || event.ctrlKey) {
        event.preventDefault();
        actions.zoom(Math.exp(event.deltaY * wheelZoom));
      }
    },
    { signal, passive: false },
  );
  canvas.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      if (onKey(event.key, actions)) {
        event.preventDefault();
      }
    },
    options,
  );
}

function onKey(key: string, actions: OrbitActions): boolean {
  switch (key) {
    case "ArrowLeft":
      actions.turn(-keyTurnDeg, 0);
      return true;
    case "ArrowRight":
      actions.turn(keyTurnDeg, 0);
      return true;
    case "ArrowUp":
      actions.turn(0, -keyTurnDeg);
      return true;
    case "ArrowDown":
      actions.turn(0, keyTurnDeg);
      return true;
    case "+":
    case "=":
      actions.zoom(1 / keyZoom);
      return true;
    case "-":
      actions.zoom(keyZoom);
      return true;
    default:
      return actions.key(key);
  }
}
