/** Steps of a run on a cluster, each with its time and what was seen: the table that is printed at the end. */
import type { Cluster } from "../kube/cluster.ts";

export interface Steps {
  /** @param act resolves to what was seen, in a few words */
  step(name: string, act: () => Promise<string>): Promise<void>;
  print(): void;
}

export function createSteps(log: (line: string) => void): Steps {
  const rows: { readonly name: string; readonly seconds: string; readonly seen: string }[] = [];
  return {
    async step(name, act) {
      log(`${name} …`);
      const startedAt = Date.now();
      const end = (seen: string): void => {
        const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
        rows.push({ name, seconds, seen });
        log(`${name}: ${seen} (${seconds} s)`);
      };
      try {
        end(await act());
      } catch (error) {
        end("FAILED");
        throw error;
      }
    },
    print() {
      console.log("\n| step | seen | s |\n|---|---|---:|");
      for (const { name, seen, seconds } of rows) {
        console.log(`| ${name} | ${seen} | ${seconds} |`);
      }
    },
  };
}

/** What to look at when a step failed. */
export async function printDiagnosis(cluster: Cluster): Promise<void> {
  const looks = [
    ["get", "pods", "-A", "-o", "wide"],
    ["get", "events", "-A", "--sort-by=.lastTimestamp"],
  ];
  for (const look of looks) {
    const text = await cluster.kubectl(...look).catch((error) => String(error));
    console.error(text.split("\n").slice(-40).join("\n"));
  }
}

/** Asks again until the answer fits. @throws with the last answer after `seconds` */
export async function eventually<Answer>(
  ask: () => Promise<Answer>,
  fits: (answer: Answer) => boolean,
  { seconds, what }: { readonly seconds: number; readonly what: string },
): Promise<Answer> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: after ${seconds} s still ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
