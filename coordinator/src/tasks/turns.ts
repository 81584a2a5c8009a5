/**
 * Whose turn it is when tasks are lent. Deficit round robin in which every loan costs the same, so that no deficit has
 * to be carried: who was served goes to the end of the line, and who was passed over, since nothing of it fitted, keeps
 * its place.
 */
export interface Turns {
  /** The clients in the order of their turns. Who is new stands last; who is not named loses its place. */
  order(clients: readonly string[]): readonly string[];
  /** Something of the client's was lent. */
  served(client: string): void;
}

/** A line in which nobody stands yet. */
export function createTurns(): Turns {
  const line = new Set<string>();
  return {
    order(clients) {
      const here = new Set(clients);
      for (const client of line) {
        if (!here.has(client)) {
          line.delete(client);
        }
      }
      for (const client of here) {
        line.add(client);
      }
      return [...line];
    },
    served(client) {
      if (line.delete(client)) {
        line.add(client);
      }
    },
  };
}
