import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { context, propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { createLogger } from "../logger.ts";
import { activeTraceparent, contextOf, inSpan, registerTracing } from "./tracing.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = `00-${traceId}-b7ad6b7169203331-01`;
const tracing = registerTracing();
after(() => tracing[Symbol.dispose]());

const idOf = (text: string | readonly string[] | undefined): string | undefined =>
  trace.getSpanContext(contextOf(text))?.traceId;

describe("a received traceparent", () => {
  it("is continued when it is well formed", () => {
    assert.equal(idOf(parent), traceId);
    assert.equal(idOf([parent]), traceId);
    assert.equal(idOf(`01-${traceId}-b7ad6b7169203331-01-of-a-later-version`), traceId);
  });

  it("is dropped when it is absent, malformed, given twice or too long", () => {
    const wrong = [undefined, "", "rubbish", `00-${"0".repeat(32)}-b7ad6b7169203331-01`];
    for (const text of wrong) {
      assert.equal(idOf(text), undefined);
    }
    assert.equal(idOf(`${parent}-more`), undefined, "version 00 has no more");
    assert.equal(idOf([parent, parent]), undefined);
    assert.equal(idOf(`01-${traceId}-b7ad6b7169203331-01-${"x".repeat(20_000)}`), undefined);
  });

  it("is passed on anew: no unknown flags, no tracestate, no baggage", () => {
    const sent = { traceparent: `${parent.slice(0, -2)}ff`, tracestate: "a=b", baggage: "c=d" };
    const passedOn = {};
    propagation.inject(propagation.extract(ROOT_CONTEXT, sent), passedOn);
    assert.deepEqual(passedOn, { traceparent: parent });
  });
});

describe("a span without an exporter", () => {
  it("is its parent: who exports further on continues a span that somebody knows", async () => {
    const inner = await inSpan("work", { parent: contextOf(parent) }, async () =>
      activeTraceparent(),
    );
    assert.equal(inner, parent);
  });

  it("begins a trace where there is none, and another each time", async () => {
    const begin = () => inSpan("work", { parent: ROOT_CONTEXT }, async () => activeTraceparent());
    const [first, second] = [await begin(), await begin()];
    assert.match(first ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.notEqual(first?.slice(0, 35), second?.slice(0, 35));
    assert.equal(activeTraceparent(), undefined, "outside of any");
  });

  it("lets errors through", async () => {
    const failing = inSpan("work", {}, () => Promise.reject(new Error("it broke")));
    await assert.rejects(failing, /it broke/);
  });
});

it("log lines name the active trace, those outside of any none", async () => {
  const lines: string[] = [];
  const logger = createLogger("test", "info", { write: (line) => void lines.push(line) });
  await inSpan("work", { parent: contextOf(parent) }, async () => {
    await new Promise(setImmediate);
    logger.child({ part: 1 }).info("inside");
  });
  context.with(ROOT_CONTEXT, () => logger.info("outside"));
  const [inside, outside] = lines.map((line) => JSON.parse(line));
  assert.equal(inside.trace_id, traceId);
  assert.equal("trace_id" in outside, false);
});
