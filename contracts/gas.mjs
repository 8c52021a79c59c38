// Measure whole transactions in one run, write the snapshots and print the comparison:
//
//   node gas.mjs           measure, write contracts/snapshots, print
//   node gas.mjs --check   measure, fail where a committed snapshot differs, print
//
// Everything is measured on one EVM with one token (Circle's FiatTokenV2_2 behind its proxy); Safe 1.5 comes from npm.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { forge } from "./forge.mjs";

const SNAPSHOTS = join(fileURLToPath(new URL(".", import.meta.url)), "snapshots");
const check = process.argv.includes("--check");
const environment = { FORGE_SNAPSHOT_CHECK: String(check), FORGE_SNAPSHOT_EMIT: String(!check) };

const measured = forge(["test", "--match-test", "^test_gas_"], { environment, stdio: ["ignore", "pipe", "inherit"] });
if (measured.status !== 0) {
  console.error(String(measured.stdout));
  process.exit(1);
}
for (const file of readdirSync(SNAPSHOTS).sort()) {
  const rows = Object.entries(JSON.parse(readFileSync(join(SNAPSHOTS, file), "utf8")));
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log(`\n${file.replace(".json", "")}`);
  for (const [name, gas] of rows.sort(([, a], [, b]) => a - b)) {
    console.log(`  ${name.padEnd(width)}  ${Number(gas).toLocaleString("en").padStart(12)}`);
  }
}
