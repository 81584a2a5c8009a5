/** Who mines in a simulation: groups of miners with their skill, speed, failures and cheats, as a file describes them. */
import { z } from "zod";

const share = z.number().min(0).max(1);
const seconds = z.number().min(0);

/** What miners have tried on the subnet, or could, beside honest work. */
export const cheatNames = [
  "none",
  "white",
  "flat-card",
  "front-only",
  "invisible",
  "repeat",
  "copy",
  "text",
  "forged",
  "resubmit",
  "hammer",
] as const;
export type CheatName = (typeof cheatNames)[number];

const groupSchema = z.strictObject({
  name: z.string().min(1).describe("as the table and the plot name it"),
  miners: z.number().int().min(1).describe("how many there are"),
  score: z
    .strictObject({
      mean: share,
      spread: z.number().min(0).describe("standard deviation"),
    })
    .describe("what scoring gives honest work of theirs; cut to 0 to 1"),
  seconds: z
    .strictObject({ mean: seconds, spread: seconds })
    .describe("from the task to the submission of honest work; a second at least"),
  givesBack: share.default(0).describe("share of tasks whose generation fails, given back"),
  saysNothing: share.default(0).describe("share of tasks that are taken and never answered"),
  cheat: z.enum(cheatNames).default("none").describe("what they do instead of honest work …"),
  cheats: share.default(1).describe("… and with which share of their tasks"),
});
export type Group = z.infer<typeof groupSchema>;

export const populationSchema = z
  .strictObject({
    baseline: z
      .string()
      .describe("name of the group of honest, skilled miners that all are compared with"),
    groups: z.array(groupSchema).min(1),
    scoringSeconds: seconds.default(3).describe("from a submission to its result"),
    faults: share.default(0.001).describe("share of jobs that end in a fault of the validator's"),
    clientTasksAnHour: z
      .number()
      .min(0)
      .default(60)
      .describe("tasks of clients; miners that find none get synthetic ones"),
  })
  .superRefine(({ groups, baseline }, context) => {
    const names = groups.map(({ name }) => name);
    if (new Set(names).size < names.length) {
      context.addIssue({ code: "custom", path: ["groups"], message: "two groups have one name" });
    }
    if (!names.includes(baseline)) {
      context.addIssue({ code: "custom", path: ["baseline"], message: "no group has this name" });
    }
  });
export type Population = z.infer<typeof populationSchema>;

/** A file of miners that cannot be used; the message names each fault. */
export class PopulationError extends Error {
  override name = "PopulationError";
}

/**
 * @param file named in errors
 * @throws PopulationError when it is no JSON, or something in it is not as `populationSchema` has it
 */
export function parsePopulation(text: string, file: string): Population {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PopulationError(`${file}: is no JSON: ${reason}`, { cause });
  }
  const parsed = populationSchema.safeParse(json);
  if (parsed.success) {
    return parsed.data;
  }
  const lines = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "the file"}: ${message}`,
  );
  throw new PopulationError(`${file}: ${lines.join("; ")}. --schema shows what it may have`);
}
