export { type LintCode, lintCodes } from "./codes.ts";
export { defaultLintLimits, type LintLimits } from "./limits.ts";
export { type Finding, lint, type Measures, measure, rejectByLint } from "./lint.ts";
