/**
 * The prompts of synthetic tasks: from a file, or from a prompt service that is asked again and again.
 *
 * P1 Drawing never waits for the service: while it is away, the last list that it gave is drawn from, and until it has
 *    given one the file's.
 * P2 A miner gets no prompt again within its window, as long as there is one that it has not had.
 * P3 The order follows from a seed, and how far it was drawn is kept: a run can be repeated, also over restarts.
 */
import { randomBytes } from "node:crypto";
import type { Keypair } from "@turntable/bittensor/keys";
import { startLoop } from "@turntable/process";
import { z } from "zod";
import type { Store } from "../store/index.ts";
import { createDeck, type Deck } from "./deck.ts";
import { fetchPrompts, type PromptService, PromptServiceError } from "./service.ts";

export interface PromptOptions {
  /** Those of a file. */
  readonly list: readonly string[];
  readonly service?:
    | (PromptService & { /** Between two lists, in ms. */ readonly refreshMs: number })
    | undefined;
  /** What the order follows from; without it one that is drawn at the first start and kept. */
  readonly seed?: string | undefined;
}

export type PromptsEvent =
  | { readonly kind: "fetched"; readonly count: number }
  /** The service was asked in vain, and is asked again after `retryMs`; so many prompts are drawn from meanwhile. */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly retryMs: number;
      readonly count: number;
    }
  /** A miner has had every prompt within its window, and gets the one again that it had longest ago. */
  | { readonly kind: "repeated"; readonly hotkey: string; readonly count: number };

/** When a miner (ss58) was last lent a task with a prompt, ms since 1970 UTC. What is older than the window may lack. */
export interface LentPrompts {
  readonly promptLentAt: (hotkey: string, prompt: string) => number | undefined;
  readonly promptsLent: (hotkey: string) => ReadonlyMap<string, number>;
}

export interface StartPrompts extends PromptOptions {
  readonly store: Store;
  /** Signs the requests to the service. */
  readonly hotkey: Keypair;
  /** Longest prompt, in code points. */
  readonly maxChars: number;
  /** For so long a prompt is not given to the same miner again, in ms. */
  readonly windowMs: number;
  readonly lent: LentPrompts;
  readonly onEvent: (event: PromptsEvent) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** Disposing it ends the asking. */
export interface Prompts extends AsyncDisposable {
  /** One for this miner (ss58); undefined when there are none. */
  draw(hotkey: string): string | undefined;
  /** How many there are. */
  count(): number;
  /** All of them, in the order of their source. */
  list(): readonly string[];
  /** Asks the service when it is time, as happens every second by itself. */
  look(): Promise<void>;
}

/** Between two looks at whether the service is to be asked, in ms. */
const lookMs = 1_000;
/** After the first failure in a row the service is asked again so soon, in ms; after each further one twice as late. */
const firstRetryMs = 15_000;
/** So many prompts are looked up one by one; a miner that had them all has had many, and its are looked up at once. */
const singleLooks = 8;

const valueRow = z.object({ value: z.string() });
const savedRow = z.object({ fetched_at: z.number(), prompts: z.string() });
const savedPrompts = z.array(z.string());

export function startPrompts(options: StartPrompts): Prompts {
  const { store, service, now, onEvent } = options;
  const seed = options.seed ?? keptSeed(store);
  const saved = service === undefined ? undefined : loadSaved(store, service.url);
  let list = saved?.prompts ?? options.list;
  let deck = createDeck(list, seed);
  let drawn = openDeck(store, deck);
  let nextAt = saved === undefined ? 0 : saved.fetchedAt + (service?.refreshMs ?? 0);
  let failures = 0;

  const take = (prompts: readonly string[], at: number, url: string): void => {
    list = prompts;
    deck = createDeck(list, seed);
    store.transaction(() => {
      drawn = openDeck(store, deck);
      store.run("DELETE FROM prompt_lists");
      store.run(
        "INSERT INTO prompt_lists (service, fetched_at, prompts) VALUES (?, ?, ?)",
        ...[url, at, JSON.stringify(prompts)],
      );
    });
  };

  const refresh = async (
    asked: NonNullable<typeof service>,
    signal: AbortSignal,
  ): Promise<void> => {
    const at = now();
    // A saved list of the future is one from before the clock was set back.
    if (at < nextAt && nextAt <= at + asked.refreshMs) {
      return;
    }
    try {
      const { hotkey, maxChars } = options;
      const prompts = await fetchPrompts(asked, { hotkey, maxChars, now: at }, signal);
      failures = 0;
      nextAt = now() + asked.refreshMs;
      onEvent({ kind: "fetched", count: prompts.length });
      take(prompts, at, asked.url);
    } catch (error) {
      if (!(error instanceof PromptServiceError)) {
        throw error;
      }
      const retryMs = Math.min(asked.refreshMs, firstRetryMs * 2 ** failures++);
      nextAt = now() + retryMs;
      onEvent({ kind: "failed", reason: error.message, retryMs, count: deck.size });
    }
  };
  const loop =
    service === undefined
      ? undefined
      : startLoop({
          everyMs: lookMs,
          run: (signal) => refresh(service, signal),
          onTrouble: (error) => options.onTrouble("prompts could not be kept", error),
        });
  void loop?.runNow();

  return {
    draw(hotkey) {
      if (deck.size === 0) {
        return undefined;
      }
      const { promptLentAt, promptsLent } = options.lent;
      const since = now() - options.windowMs;
      let lent: ReadonlyMap<string, number> | undefined;
      // What is left of this round and all of the next have every prompt in them.
      for (let draw = drawn; draw < drawn + 2 * deck.size; draw++) {
        if (draw === drawn + singleLooks) {
          lent = promptsLent(hotkey);
        }
        const prompt = deck.at(draw);
        const at = lent === undefined ? promptLentAt(hotkey, prompt) : lent.get(prompt);
        if (at === undefined || at <= since) {
          drawn = draw + 1;
          store.note("UPDATE prompt_state SET value = ? WHERE name = 'drawn'", String(drawn));
          return prompt;
        }
      }
      onEvent({ kind: "repeated", hotkey, count: deck.size });
      return oldestOf(list, promptsLent(hotkey)); // P2
    },
    count: () => deck.size,
    list: () => list,
    look: async () => await loop?.runNow(),
    async [Symbol.asyncDispose]() {
      await loop?.[Symbol.asyncDispose]();
    },
  };
}

/** Of prompts that were all given, the one whose last time is longest ago. */
function oldestOf(list: readonly string[], lent: ReadonlyMap<string, number>): string | undefined {
  let oldest: string | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const prompt of list) {
    const at = lent.get(prompt) ?? 0;
    if (at < oldestAt) {
      oldest = prompt;
      oldestAt = at;
    }
  }
  return oldest;
}

function stateOf(store: Store, name: string): string | undefined {
  return valueRow.optional().parse(store.get("SELECT value FROM prompt_state WHERE name = ?", name))
    ?.value;
}

/** The seed of this data directory; drawn when it has none. */
function keptSeed(store: Store): string {
  const known = stateOf(store, "seed");
  if (known !== undefined) {
    return known;
  }
  const seed = randomBytes(16).toString("hex");
  store.run("INSERT INTO prompt_state (name, value) VALUES ('seed', ?)", seed);
  return seed;
}

/** Makes this the deck that is drawn from. @returns how far it was drawn before */
function openDeck(store: Store, { key }: Deck): number {
  if (stateOf(store, "deck") === key) {
    return Number(stateOf(store, "drawn") ?? 0);
  }
  store.transaction(() => {
    store.run("INSERT OR REPLACE INTO prompt_state (name, value) VALUES ('deck', ?)", key);
    store.run("INSERT OR REPLACE INTO prompt_state (name, value) VALUES ('drawn', '0')");
  });
  return 0;
}

function loadSaved(store: Store, url: string) {
  const row = savedRow
    .optional()
    .parse(store.get("SELECT fetched_at, prompts FROM prompt_lists WHERE service = ?", url));
  return row === undefined
    ? undefined
    : { fetchedAt: row.fetched_at, prompts: savedPrompts.parse(JSON.parse(row.prompts)) };
}
