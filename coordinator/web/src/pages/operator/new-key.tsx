/** Makes an API key, and shows its secret once. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ApiKeyScope, type CreateApiKeyResponse } from "@turntable/proto";
import { useRef, useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { CodeBlock } from "../../ui/code-block.tsx";
import { Failed } from "../../ui/states.tsx";

export const scopeNames: ReadonlyMap<ApiKeyScope, string> = new Map([
  [ApiKeyScope.GENERATE, "generate"],
  [ApiKeyScope.SCORE, "score"],
  [ApiKeyScope.READ_ALL, "read-all"],
  [ApiKeyScope.ADMIN, "admin"],
]);

const dayMs = 86_400_000;

export function NewKey({ onMade }: { readonly onMade: () => void }) {
  const [made, setMade] = useState<CreateApiKeyResponse>();
  const [fault, setFault] = useState<unknown>();
  /** The same until a key was made: a click that is repeated after a break makes no second one. */
  const requestId = useRef<string>(undefined);
  const make = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    const days = Number(fields.get("days"));
    requestId.current ??= [...crypto.getRandomValues(new Uint32Array(4))].join("-");
    try {
      setFault(undefined);
      const answer = await admin.createApiKey({
        name: String(fields.get("name")),
        scopes: [...scopeNames.keys()].filter((scope) => fields.has(`scope ${scope}`)),
        callsPerMinute: Number(fields.get("calls")),
        requestId: requestId.current,
        ...(days > 0 ? { expireTime: timestampFromMs(Date.now() + days * dayMs) } : {}),
      });
      setMade(answer);
      form.reset();
      onMade();
    } catch (error) {
      setFault(error);
    } finally {
      requestId.current = undefined;
    }
  };
  return (
    <>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          void make(event.currentTarget);
        }}
      >
        <label>
          Name
          <input
            name="name"
            required
            maxLength={64}
            pattern="[a-zA-Z0-9._\-]+"
            autoComplete="off"
          />
        </label>
        <fieldset>
          <legend>Scopes</legend>
          {[...scopeNames].map(([scope, name]) => (
            <label key={name} class="check">
              <input
                type="checkbox"
                name={`scope ${scope}`}
                defaultChecked={scope === ApiKeyScope.GENERATE}
              />
              {name}
            </label>
          ))}
        </fieldset>
        <label>
          Days, 0: for ever
          <input name="days" type="number" min="0" max="3650" defaultValue="90" />
        </label>
        <label>
          Calls a minute, 0: any
          <input name="calls" type="number" min="0" max="1000000" defaultValue="0" />
        </label>
        <button type="submit">Make a key</button>
      </form>
      {fault === undefined ? undefined : <Failed error={fault} />}
      {made === undefined ? undefined : (
        <div class="notice good" role="status">
          <p>
            The secret of <strong>{made.key?.name}</strong>. It is shown this once: nobody can read
            it again.
          </p>
          <CodeBlock code={made.secret} what="the secret" />
          <button type="button" class="small" onClick={() => setMade(undefined)}>
            I have it
          </button>
        </div>
      )}
    </>
  );
}
