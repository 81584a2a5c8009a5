/** The tables as JSON lines, for who wants to work on them elsewhere. */
import { z } from "zod";
import { openReadOnly } from "./store.ts";

/** A table that is exported, and the columns that are replaced by something else. */
interface Exported {
  readonly table: string;
  readonly replaced?: Readonly<Record<string, string>>;
}

/**
 * What is exported, in the order in which rows refer to each other. The camera seed of a task that has not ended is a
 * secret, and so is not there.
 */
const exported: readonly Exported[] = [
  { table: "tasks", replaced: { camera_seed: "iif(ended_at IS NULL, NULL, camera_seed)" } },
  { table: "assignments" },
  { table: "task_events" },
  { table: "submissions" },
  { table: "reports" },
  { table: "fingerprints" },
  { table: "miners" },
  { table: "observations" },
  { table: "verdicts" },
  { table: "score_counts" },
  { table: "prompts_lent" },
  { table: "scorings", replaced: { camera_seed: "iif(ended_at IS NULL, NULL, camera_seed)" } },
  { table: "storage_queue" },
  { table: "stored_assets" },
  { table: "known_hotkeys" },
  { table: "audits" },
  { table: "quarantined_workers" },
  { table: "weight_attempts" },
  { table: "duels" },
  { table: "duel_ratings" },
];

export const exportedTables: readonly string[] = exported.map(({ table }) => table);

const columnRow = z.object({ name: z.string() });
/** Text that is given out at a time, in characters. */
const chunkChars = 64 * 1024;

/**
 * The rows of these tables at one moment, a line of JSON each: `{"table":"tasks","row":{…}}`, bytes in base64. Comes in
 * pieces of some lines, each read when it is asked for.
 * @param tables of `exportedTables`
 * @throws StoreError as `openStoreReader`
 */
export function* exportStore(directory: string, tables: readonly string[]): Generator<string> {
  using database = openReadOnly(directory);
  database.exec("BEGIN"); // all tables of the same moment
  let chunk = "";
  for (const { table, replaced = {} } of exported) {
    if (!tables.includes(table)) {
      continue;
    }
    const columns = database
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map((row) => columnRow.parse(row).name)
      .map((name) => (name in replaced ? `${replaced[name]} AS ${name}` : name));
    for (const row of database.prepare(`SELECT ${columns.join(", ")} FROM ${table}`).iterate()) {
      chunk += `${JSON.stringify({ table, row }, bytesAsText)}\n`;
      if (chunk.length >= chunkChars) {
        yield chunk;
        chunk = "";
      }
    }
  }
  if (chunk !== "") {
    yield chunk;
  }
}

function bytesAsText(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
