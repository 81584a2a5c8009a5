/** The same thing in several languages, one of which is shown. */
import { useState } from "preact/hooks";
import type { Sample } from "../code-samples.ts";
import { CodeBlock } from "./code-block.tsx";

export function Samples({ samples }: { readonly samples: readonly Sample[] }) {
  const [chosen, setChosen] = useState(samples[0]?.name);
  const shown = samples.find(({ name }) => name === chosen);
  return (
    <>
      <fieldset class="choice">
        <legend class="off-screen">Language</legend>
        {samples.map(({ name }) => (
          <label key={name}>
            <input
              type="radio"
              name="language"
              checked={name === chosen}
              onChange={() => setChosen(name)}
            />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      {shown === undefined ? undefined : (
        <CodeBlock what={`${shown.name} code`} code={shown.code} />
      )}
    </>
  );
}
