/** Scripts that let a shell complete verbs and options. They are made from the commands themselves. */
import type { Command } from "commander";
import { type CliCommand, pathOf } from "./command.ts";
import type { Run } from "./context.ts";
import { oneOf } from "./usage.ts";

const shells = ["bash", "zsh", "fish"] as const;

export function addCompletion(program: CliCommand, run: Run): void {
  program
    .command("completion <SHELL>")
    .description("print a script that completes verbs and options, for bash, zsh or fish")
    .addHelpText(
      "after",
      `
bash  echo 'source <(turntable completion bash)' >> ~/.bashrc
zsh   echo 'source <(turntable completion zsh)' >> ~/.zshrc
fish  turntable completion fish > ~/.config/fish/completions/turntable.fish
`,
    )
    .action(async (shell: string) => {
      await run.output.write(scripts[oneOf("SHELL", shells)(shell)](entriesOf(program)));
    });
}

interface Entry {
  /** Words after `turntable` that lead here: `["admin", "keys"]`. */
  readonly path: readonly string[];
  readonly verbs: readonly Word[];
  readonly options: readonly (Word & { readonly takesValue: boolean })[];
}

interface Word {
  readonly word: string;
  readonly help: string;
}

function entriesOf(command: Command): readonly Entry[] {
  const path = pathOf(command).split(" ").slice(1);
  const verbs = command.commands.map((verb) => ({ word: verb.name(), help: verb.description() }));
  const options = command.options.map(({ long, description, required }) => ({
    word: long ?? "",
    help: description,
    takesValue: required,
  }));
  return [
    {
      path,
      verbs,
      options: [...options, { word: "--help", help: "this text", takesValue: false }],
    },
    ...command.commands.flatMap(entriesOf),
  ];
}

/** Words of the line that lead to a command, and what may follow: for bash, and zsh through its emulation of bash. */
function bashFunction(entries: readonly Entry[]): string {
  const cases = merged(entries).map(({ path, verbs, options }) => {
    const words = [...verbs, ...options].map(({ word }) => word).join(" ");
    return `    "${path.join(" ")}") words="${words}" ;;`;
  });
  const verbs = [...new Set(entries.flatMap((entry) => entry.path))].join("|");
  const withValue = new Set(
    entries.flatMap(({ options }) => options.filter((o) => o.takesValue).map((o) => o.word)),
  );
  return `_turntable() {
  local word path="" words=""
  COMPREPLY=()
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${[...withValue].join("|")}) COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "$word" in
      ${verbs}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
}
`;
}

const scripts: Readonly<Record<(typeof shells)[number], (entries: readonly Entry[]) => string>> = {
  bash: (entries) => `${bashFunction(entries)}complete -F _turntable turntable\n`,
  zsh: (entries) =>
    `autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bashFunction(entries)}complete -F _turntable turntable
`,
  fish: (entries) =>
    merged(entries)
      .flatMap(({ path, verbs, options }) => {
        const here = fishCondition(path, verbs);
        return [
          ...verbs.map(
            ({ word, help }) =>
              `complete -c turntable -n '${here}' -f -a ${word} -d ${quoted(help)}`,
          ),
          ...options.map(
            ({ word, help, takesValue }) =>
              `complete -c turntable -n '${fishCondition(path, [])}' -l ${word.slice(2)}${takesValue ? " -r" : ""} -d ${quoted(help)}`,
          ),
        ];
      })
      .join("\n")
      .concat("\n"),
};

function fishCondition(path: readonly string[], verbs: readonly Word[]): string {
  const before = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const none = verbs.map(({ word }) => word).join(" ");
  const notYet = none === "" ? [] : [`not __fish_seen_subcommand_from ${none}`];
  return [...before, ...notYet].join("; and ") || "true";
}

/** A stand-in has its parent's path: what may follow either may follow. */
function merged(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map<string, Entry>();
  for (const entry of entries) {
    const key = entry.path.join(" ");
    const known = byPath.get(key) ?? { path: entry.path, verbs: [], options: [] };
    const isNew = ({ word }: Word) => known.options.every((option) => option.word !== word);
    byPath.set(key, {
      path: entry.path,
      verbs: [...known.verbs, ...entry.verbs],
      options: [...known.options, ...entry.options.filter(isNew)],
    });
  }
  return [...byPath.values()];
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
