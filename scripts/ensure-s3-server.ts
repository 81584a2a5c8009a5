/** Run before the tests: makes the S3 server that some of them need, or says why they will be skipped. */
import { ensureS3Server } from "@turntable/test/s3-server";

const made = await ensureS3Server();
if (made.kind === "missing") {
  console.log(`tests of S3 will be skipped: ${made.reason}`);
}
