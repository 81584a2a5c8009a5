/** What the chain was told, and what it said. */
import type { PublicWeights, WeightsList } from "@turntable/proto";
import { formatCount, plural, shorten } from "../../format.ts";
import { Section } from "../../ui/section.tsx";
import { Empty } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { Badge } from "../../ui/verdict.tsx";
import { weightsTone } from "../../ui/weights-tone.ts";

export function Weights({ weights }: { readonly weights: WeightsList | undefined }) {
  const validators = weights?.validators ?? [];
  return (
    <Section title="Weights">
      {validators.length === 0 ? (
        <Empty>This coordinator serves no axon, so that it sets no weights.</Empty>
      ) : (
        validators.map((validator) => (
          <Validator key={`${validator.netuid} ${validator.hotkey}`} validator={validator} />
        ))
      )}
    </Section>
  );
}

function Validator({ validator }: { readonly validator: PublicWeights }) {
  const { netuid, hotkey, uid, stakeTao, block, lastAttempt, hindrance, dueBlock } = validator;
  const left = dueBlock > block ? dueBlock - block : 0n;
  return (
    <dl class="facts">
      <dt>Validator</dt>
      <dd>
        <span class="mono" title={hotkey}>
          {shorten(hotkey)}
        </span>{" "}
        on subnet {netuid}
        {uid === undefined ? ", not registered" : `, uid ${uid}`}, {formatCount(stakeTao)} TAO
        {validator.validatorPermit ? "" : ", no permit"}
      </dd>
      <dt>Last</dt>
      <dd>
        {lastAttempt === undefined ? (
          "none within a month"
        ) : (
          <>
            <Ago time={lastAttempt.time} />, for {plural(lastAttempt.count, "miner")}{" "}
            <Badge tone={weightsTone(lastAttempt.outcome)}>{lastAttempt.outcome || "sent"}</Badge>{" "}
            {lastAttempt.includedBlock === undefined
              ? ""
              : `in block ${formatCount(lastAttempt.includedBlock)} `}
            {lastAttempt.message}
          </>
        )}
      </dd>
      <dt>Next</dt>
      <dd>
        {hindrance !== ""
          ? hindrance
          : dueBlock === 0n
            ? "not known yet"
            : left === 0n
              ? "due now"
              : `in ${plural(left, "block")}, at ${formatCount(dueBlock)}`}
      </dd>
      <dt>Chain</dt>
      <dd>
        {block === 0n ? (
          "not read since the start"
        ) : (
          <>
            block {formatCount(block)}, <Ago time={validator.blockTime} />
          </>
        )}
      </dd>
    </dl>
  );
}
