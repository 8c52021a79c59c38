// Run forge with npm's compiler: `node forge.mjs test`, `node forge.mjs coverage`, any forge command.
//
// The binary is called itself, not npm's shim. The compiler's absolute path exists only in the environment of the child.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ARCHITECTURE = { x64: "amd64", arm64: "arm64" }[process.arch];
const WINDOWS = process.platform === "win32";

export function forgeBinary() {
  const name = `@foundry-rs/forge-${process.platform}-${ARCHITECTURE}`;
  return createRequire(import.meta.url).resolve(`${name}/bin/forge${WINDOWS ? ".exe" : ""}`);
}

export function forge(commandLine, { environment, ...options } = {}) {
  const fixed = { FOUNDRY_SOLC: join(HERE, "tools", "solc.mjs"), FOUNDRY_DISABLE_NIGHTLY_WARNING: "1" };
  const env = { ...process.env, ...fixed, ...environment };
  return spawnSync(forgeBinary(), commandLine, { cwd: HERE, stdio: "inherit", ...options, env });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ended = forge(process.argv.slice(2));
  if (ended.error) throw ended.error;
  process.exit(ended.status ?? 1);
}
