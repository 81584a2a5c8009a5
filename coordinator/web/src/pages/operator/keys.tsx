/** API keys: made, listed, ended. */
import type { ApiKey } from "@turntable/proto";
import { useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { useCall } from "../../data/stream.ts";
import { ActionButton } from "../../ui/action-button.tsx";
import { Pager } from "../../ui/pager.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { NewKey, scopeNames } from "./new-key.tsx";

const pageSize = 50;

export function Keys() {
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const pageToken = tokens.at(-1) ?? "";
  const { value, error, loading, reload } = useCall(
    (signal) => admin.listApiKeys({ pageSize, pageToken }, { signal }),
    `keys ${pageToken}`,
  );
  const keys = value?.keys ?? [];
  return (
    <Section title="API keys" wide>
      <NewKey onMade={reload} />
      {loading ? <Loading what="keys" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value !== undefined && keys.length === 0 ? <Empty>There are no keys.</Empty> : undefined}
      {keys.length === 0 ? undefined : (
        <TableFrame label="API keys">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Begins with</th>
                <th scope="col">Scopes</th>
                <th scope="col">Limits</th>
                <th scope="col" class="number">
                  Made
                </th>
                <th scope="col" class="number">
                  Expires
                </th>
                <th scope="col">End it</th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <Row key={key.id} of={key} onRevoke={reload} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      <Pager what="keys" tokens={tokens} next={value?.nextPageToken ?? ""} onTurn={setTokens} />
    </Section>
  );
}

function Row({ of, onRevoke }: { readonly of: ApiKey; readonly onRevoke: () => void }) {
  const { id, name, scopes, createTime, expireTime, callsPerMinute, concurrentCalls } = of;
  const limits = [
    callsPerMinute === 0 ? "" : `${callsPerMinute} calls a minute`,
    concurrentCalls === 0 ? "" : `${concurrentCalls} at one time`,
  ].filter((limit) => limit !== "");
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="mono">{id}</td>
      <td>{scopes.map((scope) => scopeNames.get(scope) ?? `scope ${scope}`).join(", ")}</td>
      <td class="quiet">{limits.length === 0 ? "none" : limits.join(", ")}</td>
      <td class="number">
        <Ago time={createTime} />
      </td>
      <td class="number">
        <Ago time={expireTime} />
      </td>
      <td>
        {of.fromFile ? (
          <span class="quiet">in its file</span>
        ) : (
          <ActionButton
            label="Revoke"
            confirm="Really revoke?"
            action={() => admin.revokeApiKey({ keyId: id })}
            onDone={onRevoke}
          />
        )}
      </td>
    </tr>
  );
}
