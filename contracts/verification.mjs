// Write what a block explorer wants to verify a deployed contract: the compiler's standard JSON input, in one file.
//
//   node verification.mjs AgentWalletFactory ../verification.json     any contract of src/
//   node verification.mjs --check                                     compile each input, and compare with the committed code
//
// Compiler and settings are those of the artifact, so the explorer's compiler gives the very code that is deployed. Needs no network.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ARTIFACTS = join(HERE, "..", "src", "paygent", "evm", "artifacts");
const CONTRACTS = ["AgentWalletFactory", "AgentWallet", "PaymentRouter", "ServiceRegistry"];
const REMAPPING = "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/";
const [FROM, TO] = REMAPPING.split("=");

const artifact = (name) => JSON.parse(readFileSync(join(ARTIFACTS, `${name}.json`), "utf8"));

function sourcesOf(entry) {
  const sources = {};
  const left = [entry];
  while (left.length) {
    const path = left.pop();
    if (sources[path]) continue;
    const content = readFileSync(join(HERE, path), "utf8");
    sources[path] = { content };
    for (const [, imported] of content.matchAll(/^import\s+(?:[^"']*from\s+)?["']([^"']+)["'];/gm)) {
      left.push(imported.startsWith(".") ? posix.join(dirname(path), imported) : imported.replace(FROM, TO));
    }
  }
  return Object.fromEntries(Object.entries(sources).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function inputOf(name) {
  const { source, settings } = artifact(name);
  return {
    language: "Solidity",
    sources: sourcesOf(posix.relative("contracts", source)),
    settings: { ...settings, remappings: [REMAPPING], outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
  };
}

function check() {
  const solc = createRequire(import.meta.url)("solc");
  return CONTRACTS.every((name) => {
    const output = JSON.parse(solc.compile(JSON.stringify(inputOf(name))));
    const [file] = Object.entries(output.contracts ?? {}).filter(([, made]) => name in made);
    const same = file !== undefined && `0x${file[1][name].evm.bytecode.object}` === artifact(name).bytecode;
    console.log(`${name}: ${same ? "the committed code" : "OTHER CODE"}`);
    return same;
  });
}

const [name, file] = process.argv.slice(2);
if (name === "--check") process.exit(check() ? 0 : 1);
if (!CONTRACTS.includes(name) || file === undefined) {
  console.error(`node verification.mjs ${CONTRACTS.join("|")} FILE, or --check`);
  process.exit(2);
}
writeFileSync(file, JSON.stringify(inputOf(name), null, 1) + "\n");
console.log(`${file}: ${artifact(name).compiler}, contract ${artifact(name).source.replace("contracts/", "")}:${name}`);
