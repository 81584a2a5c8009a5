/** What the coordinator takes in: everything, nothing new, or nothing at all until it may be stopped. */
import { type GetStatusResponse, Intake } from "@turntable/proto";
import { useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { ActionButton } from "../../ui/action-button.tsx";
import { Section } from "../../ui/section.tsx";
import { Badge, type Tone } from "../../ui/verdict.tsx";

const longestReason = 200;
const words: Readonly<Record<Intake, readonly [word: string, tone: Tone, meaning: string]>> = {
  [Intake.UNSPECIFIED]: ["unknown", "idle", ""],
  [Intake.OPEN]: ["open", "good", "Everything is taken."],
  [Intake.PAUSED]: ["paused", "warn", "Clients' tasks are taken and wait; miners find none."],
  [Intake.DRAINING]: [
    "draining",
    "warn",
    "Nothing new is taken or lent; what miners have is finished and scored.",
  ],
};

export function IntakeControl({
  status,
  onChange,
}: {
  readonly status: GetStatusResponse;
  readonly onChange: () => void;
}) {
  const { intake, intakeReason, drained } = status;
  const [reason, setReason] = useState("");
  const [word, tone, meaning] = words[intake] ?? words[Intake.UNSPECIFIED];
  const set = (next: Intake) => () => admin.setIntake({ intake: next, reason });
  return (
    <Section title="Intake" aside={<Badge tone={tone}>{word}</Badge>}>
      <p>
        {drained ? "Drained: the process may be stopped." : meaning}
        {intakeReason === "" ? "" : ` Because: ${intakeReason}`}
      </p>
      <label class="field">
        Reason, told to whoever is refused
        <input
          maxLength={longestReason}
          value={reason}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <ActionButton
          label="Open"
          action={set(Intake.OPEN)}
          onDone={onChange}
          disabled={intake === Intake.OPEN}
        />
        <ActionButton
          label="Pause"
          confirm="Really pause?"
          action={set(Intake.PAUSED)}
          onDone={onChange}
          disabled={intake === Intake.PAUSED}
        />
        <ActionButton
          label="Drain"
          confirm="Really drain?"
          action={set(Intake.DRAINING)}
          onDone={onChange}
          disabled={intake === Intake.DRAINING}
        />
      </div>
    </Section>
  );
}
