/**
 * `… | head -1`: a reader that has enough closes the pipe, and the next write to it fails. Nobody listens any more, so the
 * process ends with the status that it has; otherwise Node would print a stack trace and end with 1. The processes have
 * the same from `@turntable/process`, which this library does not know.
 */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") {
        throw error;
      }
      process.exit();
    });
  }
}
