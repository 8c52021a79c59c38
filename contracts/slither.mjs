// Run slither over our contracts: `node slither.mjs PATH-OF-SLITHER [OPTION…]`. Fails where something of high or medium impact is found.

import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { forgeBinary } from "./forge.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const OURS = ["--filter-paths", "node_modules|test|devnet", "--exclude-informational", "--exclude-optimization"];
const [slither, ...options] = process.argv.slice(2);

const env = {
  ...process.env,
  PATH: dirname(forgeBinary()) + delimiter + process.env.PATH,
  FOUNDRY_SOLC: join(HERE, "tools", "solc.mjs"),
};
const ended = spawnSync(slither, [".", ...OURS, "--fail-medium", ...options], { cwd: HERE, env, stdio: "inherit" });
if (ended.error) throw ended.error;
process.exit(ended.status ?? 1);
