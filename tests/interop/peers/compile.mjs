// Compile the test contracts: node compile.mjs SOURCE_DIR OUTPUT_JSON MODULES_DIR -> {contract: {abi, runtime}}
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [sources, output, modules] = process.argv.slice(2);
const solc = createRequire(path.join(modules, "package.json"))("solc");
const files = readdirSync(sources).filter((name) => name.endsWith(".sol")).sort();
const input = {
  language: "Solidity",
  sources: Object.fromEntries(files.map((name) => [name, { content: readFileSync(path.join(sources, name), "utf8") }])),
  settings: {
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    evmVersion: "cancun",
    outputSelection: { "*": { "*": ["abi", "evm.deployedBytecode.object"] } },
  },
};
const result = JSON.parse(solc.compile(JSON.stringify(input)));
const problems = (result.errors ?? []).filter((error) => error.severity === "error");
if (problems.length > 0) {
  console.error(problems.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = {};
for (const file of files) {
  for (const [name, contract] of Object.entries(result.contracts[file])) {
    contracts[name] = { abi: contract.abi, runtime: `0x${contract.evm.deployedBytecode.object}` };
  }
}
writeFileSync(output, JSON.stringify(contracts, null, 1));
