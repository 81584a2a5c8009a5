/** Buttons that do something at the coordinator. */
import { useEffect, useRef, useState } from "preact/hooks";
import { explain } from "../api.ts";

const doubtMs = 4_000;

/**
 * @param confirm what it says after the first click when only a second one does it; undefined: the first one does
 * @param onDone after it was done
 */
export function ActionButton({
  label,
  confirm,
  action,
  onDone,
  disabled = false,
}: {
  readonly label: string;
  readonly confirm?: string | undefined;
  readonly action: () => Promise<unknown>;
  readonly onDone?: (() => void) | undefined;
  readonly disabled?: boolean;
}) {
  const [state, setState] = useState<"ready" | "asked" | "running">("ready");
  const [fault, setFault] = useState<unknown>();
  const there = useRef(true);
  useEffect(
    () => () => {
      there.current = false;
    },
    [],
  );
  useEffect(() => {
    if (state === "asked") {
      const timer = setTimeout(() => setState("ready"), doubtMs);
      return () => clearTimeout(timer);
    }
  }, [state]);
  const run = async (): Promise<void> => {
    setState("running");
    setFault(undefined);
    try {
      await action();
      onDone?.();
    } catch (error) {
      setFault(error);
    } finally {
      if (there.current) {
        setState("ready");
      }
    }
  };
  const click = (): void => {
    if (confirm !== undefined && state === "ready") {
      setState("asked");
    } else {
      void run();
    }
  };
  return (
    <>
      <button
        type="button"
        class={state === "asked" ? "small danger" : "small"}
        disabled={disabled || state === "running"}
        onClick={click}
      >
        {state === "asked" ? confirm : label}
      </button>
      {fault === undefined ? undefined : (
        <span class="bad-text" role="alert">
          {" "}
          {explain(fault)}
        </span>
      )}
    </>
  );
}
