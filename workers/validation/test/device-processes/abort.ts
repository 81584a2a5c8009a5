/** Ends as a process does whose driver fails while it starts. */
process.stderr.write("no driver would have this\n", () => process.abort());
