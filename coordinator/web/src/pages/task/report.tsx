/** What a report says beside its views, and what one can do with it. */
import { toJsonString } from "@bufbuild/protobuf";
import {
  LintSeverity,
  type PublicCopy,
  type ScoreReport,
  ScoreReportSchema,
} from "@turntable/proto";
import { useState } from "preact/hooks";
import { fetchAsset } from "../../data/assets.ts";
import { extensionOf, fileNameOf, saveFile } from "../../data/save.ts";
import { checkSignature, type SignatureKind } from "../../data/signature.ts";
import { useCall } from "../../data/stream.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatScore,
  shorten,
} from "../../format.ts";
import { CodeBlock } from "../../ui/code-block.tsx";
import { worstOf } from "../../ui/contact-sheet.tsx";
import { Failed } from "../../ui/states.tsx";

export function Report({
  copy,
  report,
  published,
  serverVerified,
}: {
  readonly copy: PublicCopy;
  readonly report: ScoreReport;
  readonly published: boolean;
  readonly serverVerified: boolean;
}) {
  const { views, model, renderer, timings, findings, score, fidelity, acceptance } = report;
  const worst = worstOf(views);
  return (
    <div class="report">
      <dl class="facts">
        <dt>Score</dt>
        <dd>
          <strong>{formatScore(score)}</strong> over {views.length} views; accepted from{" "}
          {acceptance}; earns a fidelity of {formatScore(fidelity)}
        </dd>
        {report.replacedScores.length === 0 ? undefined : (
          <>
            <dt>Replaced</dt>
            <dd class="warn-text">
              {report.replacedScores
                .map((old) => `${formatScore(old.score)} of worker ${old.workerId}`)
                .join(", ")}
              : other workers found that wrong
            </dd>
          </>
        )}
        <dt>Worst view</dt>
        <dd>
          number {worst + 1}, {formatScore(views[worst]?.probability ?? 0)};{" "}
          {formatPercent(report.lowViewShare)} of the views are below {acceptance}
        </dd>
        <dt>Model</dt>
        <dd>
          {model?.name ?? "–"}
          {model?.demonstration
            ? ", a demonstration model with few words: its scores say little outside them"
            : ""}
          {report.unknownWords.length === 0
            ? ""
            : `; it does not know ${report.unknownWords.join(", ")}`}
        </dd>
        <dt>Rendered</dt>
        <dd>
          by {renderer?.backend ?? "–"} {renderer?.version ?? ""} of worker {report.workerId},
          profile {report.profile}
          {renderer?.approximate ? ", less closely than asked" : ""}
        </dd>
        <dt>Timings</dt>
        <dd>
          {timings === undefined
            ? "–"
            : [
                `fetched in ${formatDuration(timings.fetchMs)}`,
                `decoded in ${formatDuration(timings.decodeMs)}`,
                `rendered in ${formatDuration(timings.renderMs)}`,
                `compared in ${formatDuration(timings.scoreMs)}`,
                `${formatDuration(timings.totalMs)} in all`,
              ].join(", ")}
        </dd>
        <dt>Asset</dt>
        <dd>
          {formatCount(report.splatCount)} splats
          {copy.asset === undefined
            ? ""
            : `, ${formatBytes(copy.asset.sizeBytes)} of ${copy.asset.encoding?.format ?? ""}`}
        </dd>
        <dt>Lint</dt>
        <dd>
          {findings.length === 0 ? (
            "nothing outside the profile's limits"
          ) : (
            <ul class="findings">
              {findings.map(({ code, severity, message }) => (
                <li key={code} class={severity === LintSeverity.ERROR ? "bad-text" : "warn-text"}>
                  <strong>{code}</strong> {message}
                </li>
              ))}
            </ul>
          )}
        </dd>
        <dt>Signature</dt>
        <dd>
          {published ? (
            <Signature report={report} serverVerified={serverVerified} />
          ) : (
            "to be checked once the report is published"
          )}
        </dd>
      </dl>
      {published && copy.downloadable ? <Files copy={copy} report={report} /> : undefined}
    </div>
  );
}

const signatureWords: Readonly<Record<SignatureKind, readonly [tone: string, words: string]>> = {
  verified: ["good-text", "checked in this browser: it is that of validator"],
  unsigned: ["warn-text", "there is none; it names validator"],
  mismatch: ["bad-text", "checked in this browser: it is NOT that of validator"],
  newer: ["warn-text", "a newer page is needed to check that of validator"],
  "other-validator": ["bad-text", "it is not that of validator"],
};

/** What the coordinator says of it, until the reader has it checked: the cryptography is larger than the whole page. */
function Signature({
  report,
  serverVerified,
}: {
  readonly report: ScoreReport;
  readonly serverVerified: boolean;
}) {
  const [wanted, setWanted] = useState(false);
  const { value, error, loading, reload } = useCall(
    () => checkSignature(report),
    wanted ? report.jobId : undefined,
  );
  const hotkey = (
    <span class="mono" title={report.validatorHotkey}>
      {shorten(report.validatorHotkey)}
    </span>
  );
  if (value !== undefined) {
    const [tone, words] = signatureWords[value];
    return (
      <>
        <span class={tone}>{words}</span> {hotkey}
      </>
    );
  }
  return (
    <>
      <span class={serverVerified ? "good-text" : "bad-text"}>
        {serverVerified ? "valid" : "NOT valid"}
      </span>
      , says the coordinator, as that of validator {hotkey}{" "}
      {error === undefined ? (
        <button
          type="button"
          class="small"
          disabled={wanted && loading}
          onClick={() => setWanted(true)}
        >
          {wanted ? "Checking …" : "Check it in this browser"}
        </button>
      ) : (
        <Failed error={error} retry={reload} />
      )}
    </>
  );
}

function Files({ copy, report }: { readonly copy: PublicCopy; readonly report: ScoreReport }) {
  const [fault, setFault] = useState<unknown>();
  const name = fileNameOf(report.prompt);
  const assetName = `${name}.${extensionOf(copy.asset?.encoding?.format ?? "")}`;
  const reportName = `${name}-report.json`;
  const saveAsset = async (): Promise<void> => {
    try {
      setFault(undefined);
      const bytes = await fetchAsset(copy.id, new AbortController().signal);
      saveFile(assetName, bytes as Uint8Array<ArrayBuffer>, "application/octet-stream");
    } catch (error) {
      setFault(error);
    }
  };
  const saveReport = (): void =>
    saveFile(
      reportName,
      toJsonString(ScoreReportSchema, report, { prettySpaces: 2 }),
      "application/json",
    );
  return (
    <div class="files">
      <button type="button" onClick={() => void saveAsset()}>
        Download {assetName}
      </button>
      <button type="button" onClick={saveReport}>
        Download {reportName}
      </button>
      {fault === undefined ? undefined : <Failed error={fault} />}
      <p class="quiet">
        Both files in a folder, this scores the asset again and tells the difference:
      </p>
      <CodeBlock
        what="the command"
        code={`npx turntable-worker score --report ${reportName} --asset ${assetName}`}
      />
    </div>
  );
}
