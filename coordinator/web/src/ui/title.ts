import { useEffect } from "preact/hooks";

/** Names the page in the tab. @param text undefined while it is not known */
export function useTitle(text: string | undefined): void {
  useEffect(() => {
    document.title = text === undefined ? "Turntable" : `${text} · Turntable`;
  }, [text]);
}
