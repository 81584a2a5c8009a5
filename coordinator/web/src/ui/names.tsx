/** Names of strangers: hotkeys and prompts. They are text, whatever they hold. */
import { shorten } from "../format.ts";
import { pathOf } from "../router.ts";

export function Hotkey({ hotkey }: { readonly hotkey: string }) {
  return hotkey === "" ? (
    <span class="quiet">–</span>
  ) : (
    <a class="mono" href={pathOf({ page: "miner", hotkey })} title={hotkey}>
      {shorten(hotkey)}
    </a>
  );
}

/** Of a task; a long one is cut off by the styles, and whole in the title. */
export function PromptLink({ id, prompt }: { readonly id: string; readonly prompt: string }) {
  return (
    <a class="prompt" href={pathOf({ page: "task", id })} title={prompt}>
      {prompt}
    </a>
  );
}
