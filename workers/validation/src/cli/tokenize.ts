/** `turntable-worker tokenize`: a model's input ids of texts, for comparing tokenizers. */
import { once } from "node:events";
import { defaultModelDir, readTokenizer } from "../score/index.ts";
import { type Command, parseArguments, UsageError } from "./arguments.ts";

const help = `Usage: turntable-worker tokenize [--model DIR]

Reads a JSON string a line from standard input and writes its token ids, start and end token included, as a JSON
array a line. Of DIR only the tokenizer and config.json are read.

  --model DIR        directory of a CLIP model [the built-in demonstration model]
`;

const options = { model: { type: "string" } } as const;

export const tokenizeCommand: Command = {
  summary: "token ids of texts",
  help,
  async run(argv) {
    const { values } = parseArguments(argv, options, []);
    const tokenizer = await readTokenizer(values.model ?? defaultModelDir);
    let number = 0;
    for await (const line of linesOf(process.stdin)) {
      number += 1;
      const ids = tokenizer.encode(parseText(line, number));
      if (!process.stdout.write(`${JSON.stringify(ids)}\n`)) {
        await once(process.stdout, "drain");
      }
    }
  },
};

function parseText(line: string, number: number): string {
  try {
    const text: unknown = JSON.parse(line);
    if (typeof text === "string") {
      return text;
    }
  } catch {
    // The same answer as for JSON of another kind.
  }
  throw new UsageError(`line ${number} of standard input is not a JSON string`);
}

/** Lines end with \\n alone: readline also ends them at U+2028, which a JSON string may hold. */
async function* linesOf(stream: NodeJS.ReadStream): AsyncGenerator<string> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") {
    yield rest;
  }
}
