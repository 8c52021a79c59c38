// Compile the devnet's contracts and write their artifacts into the Python package; and the token that Python's tests deploy, into theirs.
//
//   node compile.mjs           write the artifacts
//   node compile.mjs --check   fail if a committed artifact differs from what the sources give
//
// The output is a function of the sources and of the compiler's version, pinned in package-lock.json: no metadata hash, no CBOR,
// sorted keys. They are for paris, so that any chain runs them; foundry.toml holds the settings of all other contracts.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE = join(HERE, "..", "src", "paygent", "devnet", "artifacts");
const TESTS = join(HERE, "..", "tests", "vectors", "contracts");
const CONTRACTS = [
  ...["DevUSD", "DevMulticall", "DevCoin", "DevRouter"].map((name) => ({ name, folder: "devnet", artifacts: PACKAGE })),
  { name: "OpenToken", folder: "test/support", artifacts: TESTS },
];
const SETTINGS = {
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

function compile({ name, folder }) {
  const path = `${folder}/${name}.sol`;
  const content = readFileSync(join(HERE, path), "utf8");
  const outputSelection = { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } };
  const input = { language: "Solidity", sources: { [path]: { content } }, settings: { ...SETTINGS, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: fromNpm }));
  for (const error of output.errors ?? []) console.error(error.formattedMessage);
  if ((output.errors ?? []).length > 0) process.exit(1);
  return artifact(name, path, content, output.contracts[path][name]);
}

function fromNpm(path) {
  const file = join(HERE, "node_modules", path);
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: "not found" };
}

function artifact(name, path, content, compiled) {
  return {
    contract: name,
    compiler: `solc ${solc.version().split("+")[0]}`,
    settings: SETTINGS,
    source: `contracts/${path}`,
    sourceSha256: createHash("sha256").update(content).digest("hex"),
    abi: compiled.abi,
    bytecode: "0x" + compiled.evm.bytecode.object,
    deployedBytecode: "0x" + compiled.evm.deployedBytecode.object,
  };
}

const check = process.argv.includes("--check");
let stale = false;
mkdirSync(PACKAGE, { recursive: true });
for (const contract of CONTRACTS) {
  const target = join(contract.artifacts, `${contract.name}.json`);
  const text = JSON.stringify(compile(contract), null, 1) + "\n";
  if (!check) {
    writeFileSync(target, text);
  } else if (readFileSync(target, "utf8") !== text) {
    console.error(`${target} differs from its source: run "npm run compile" in contracts/`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
