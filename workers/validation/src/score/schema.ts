/** What the schemas of a model directory's files share. */
import { z } from "zod";

/** A value in one of several forms: a refusal names all of them, where that of a union tells of one form alone. */
export function oneOf<T>(schema: z.ZodType<T>, accepted: string): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) {
      return parsed.data;
    }
    context.addIssue({ code: "custom", message: `accepted are ${accepted}` });
    return z.NEVER;
  });
}
