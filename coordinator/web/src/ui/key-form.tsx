/** Asks for an API key. It stays in this tab, and leaves with it. */
import { useState } from "preact/hooks";

export function KeyForm({
  label,
  hint,
  onKey,
}: {
  readonly label: string;
  readonly hint: string;
  readonly onKey: (key: string) => void;
}) {
  const [key, setKey] = useState("");
  // What keys do not have would break the header that carries them.
  const usable = /^[\x21-\x7e]+$/.test(key);
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (usable) {
          onKey(key);
        }
      }}
    >
      <p>{hint}</p>
      <label>
        {label}
        <input
          type="password"
          autoComplete="off"
          spellcheck={false}
          required
          value={key}
          onInput={({ currentTarget }) => setKey(currentTarget.value.trim())}
        />
      </label>
      <button type="submit" class="primary" disabled={!usable}>
        Use it
      </button>
      <p class="quiet">
        It is kept in this tab until that is closed, and sent to this coordinator alone.
        {location.protocol === "http:" && !isLoopback(location.hostname)
          ? " This connection is not encrypted: others on the way can read it."
          : ""}
      </p>
    </form>
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host.startsWith("127.");
}
