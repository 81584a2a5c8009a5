/** The command line: commander's commands, with our words for what is wrong with one. */
import { Command, type HelpConfiguration } from "commander";
import { UsageError } from "./usage.ts";

/** A command whose complaints are `UsageError`s that say what to write instead. */
export class CliCommand extends Command {
  /** Stands in for its parent when no other of the parent's commands is named. */
  isStandIn = false;

  override createCommand(name?: string): CliCommand {
    return new CliCommand(name).helpOption("-h, --help", "this text").helpCommand(false);
  }

  override error(message: string, options: { readonly code?: string } = {}): never {
    throw new UsageError(this.#complaint(message.replace(/^error: /, ""), options.code));
  }

  #complaint(message: string, code: string | undefined): string {
    const [, name] = /'(.*?)'/.exec(message) ?? [];
    switch (code) {
      case "commander.missingArgument":
        return `${name} is missing: ${usageOf(this)}`;
      case "commander.excessArguments": {
        const excess = JSON.stringify(this.args[this.registeredArguments.length]);
        return `too many arguments (${excess}); put a text of several words in quotes: ${usageOf(this)}`;
      }
      case "commander.unknownCommand": {
        const names = this.commands.map((command) => command.name()).join(", ");
        return `there is no verb ${JSON.stringify(name)}; there are ${names}; see ${pathOf(this)} --help`;
      }
      default:
        return `${message.replaceAll("\n", " ")}; see ${pathOf(this)} --help`;
    }
  }
}

/** `turntable admin keys create`; a stand-in is left out, as people leave it out. */
export function pathOf(command: Command): string {
  const isStandIn = command instanceof CliCommand && command.isStandIn;
  const own = isStandIn ? [] : [command.name()];
  return [...(command.parent === null ? [] : [pathOf(command.parent)]), ...own].join(" ");
}

function usageOf(command: Command): string {
  return `${termOf(command)} [options]`;
}

/** Up to so many verbs are named in the place where one of them stands. */
const namedVerbs = 3;

/** `turntable generate PROMPT`, `turntable report show|verify`, `turntable admin VERB` */
export function termOf(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}…` : argument.name();
    return argument.required ? name : `[${name}]`;
  });
  const verbs = command.commands.map((verb) => verb.name());
  const oneVerb = verbs.length > namedVerbs ? "VERB" : verbs.join("|");
  return [pathOf(command), oneVerb, ...names].filter((word) => word !== "").join(" ");
}

/** How help looks. */
export const helpConfiguration: HelpConfiguration = {
  helpWidth: 110,
  subcommandTerm: termOf,
  commandUsage: (command) => `${termOf(command)} [options]`,
  optionTerm: (option) => option.flags.replaceAll(/[<>]/g, ""),
  visibleArguments: () => [], // the usage line has them
};
