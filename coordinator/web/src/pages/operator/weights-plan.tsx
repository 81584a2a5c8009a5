/** What would be set as weights now, and why. Nothing is sent. */
import { type PlanWeightsResponse, WeightsDue } from "@turntable/proto";
import { useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { useCall } from "../../data/stream.ts";
import { formatCount, formatReward, formatScore } from "../../format.ts";
import { Meter } from "../../ui/meter.tsx";
import { Hotkey } from "../../ui/names.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Failed, Loading } from "../../ui/states.tsx";

const largestWeight = 65_535;

export function WeightsPlan() {
  const [wanted, setWanted] = useState(false);
  const { value, error, loading, reload } = useCall(
    (signal) => admin.planWeights({}, { signal }),
    wanted ? "plan" : undefined,
  );
  return (
    <Section
      title="Weights, a dry run"
      aside={
        <button
          type="button"
          class="small"
          onClick={() => {
            setWanted(true);
            reload();
          }}
        >
          {value === undefined ? "Plan now" : "Plan again"}
        </button>
      }
    >
      {wanted ? undefined : <p class="quiet">What would be set now, and why; nothing is sent.</p>}
      {wanted && loading ? <Loading what="the plan" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value === undefined ? undefined : <Plan plan={value} />}
    </Section>
  );
}

function dueWords({ due, dueBlock, barredReason }: PlanWeightsResponse): string {
  switch (due) {
    case WeightsDue.NOW:
      return "due now";
    case WeightsDue.LATER:
      return `due at block ${formatCount(dueBlock)}`;
    case WeightsDue.BARRED:
      return `barred: ${barredReason}`;
    default:
      return "not known when";
  }
}

function Plan({ plan }: { readonly plan: PlanWeightsResponse }) {
  return (
    <>
      <p>
        Subnet {plan.netuid}, block {formatCount(plan.block)}: {dueWords(plan)}.
      </p>
      <ol class="steps">
        {plan.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {plan.weights.length === 0 ? undefined : (
        <TableFrame label="Planned weights">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  uid
                </th>
                <th scope="col">Miner</th>
                <th scope="col">Weight</th>
                <th scope="col" class="number">
                  Reward
                </th>
                <th scope="col" class="number">
                  Accepted
                </th>
                <th scope="col" class="number">
                  Average
                </th>
              </tr>
            </thead>
            <tbody>
              {plan.weights.map(({ uid, hotkey, weight, ...of }) => (
                <tr key={uid}>
                  <td class="number">{uid}</td>
                  <td>
                    <Hotkey hotkey={hotkey} />
                  </td>
                  <td>
                    <Meter share={weight / largestWeight} text={formatCount(weight)} />
                  </td>
                  <td class="number">{formatReward(of.reward)}</td>
                  <td class="number">
                    {formatCount(of.observations)} of {formatCount(of.scored)}
                  </td>
                  <td class="number">{formatScore(of.averageFidelity)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </>
  );
}
