export { createDuelBook, type DuelBook } from "./duel-book.ts";
export { createJudge, type JudgeOptions } from "./judge.ts";
export { type DuelEvent, startDuels } from "./start-duels.ts";
