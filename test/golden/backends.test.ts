import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceError } from "@turntable/validation";
import { backends, measureAgreement, readTable } from "./backends.ts";

/** Drivers round differently, in dB: one pixel off by one is 90 dB here, and none 99. More is another rasteriser. */
const tolerance = 10;
const table = readTable();

for (const [backend, start] of Object.entries(backends)) {
  test(`${backend} agrees with the float64 rasteriser as the README says`, async (t) => {
    const stated = table[backend];
    assert.ok(stated !== undefined && Object.keys(stated).length > 0);
    let renderer: Awaited<ReturnType<typeof start>>;
    try {
      renderer = await start();
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== "unavailable") {
        throw error;
      }
      return t.skip(error.message);
    }
    await using drawing = renderer;
    const measured = await measureAgreement(drawing);
    assert.deepEqual(Object.keys(measured), Object.keys(stated));
    for (const [name, db] of Object.entries(measured)) {
      const least = (stated[name] ?? Number.NaN) - tolerance;
      assert.ok(db >= least, `${name}: ${db.toFixed(1)} dB, the README says ${stated[name]}`);
    }
  });
}
