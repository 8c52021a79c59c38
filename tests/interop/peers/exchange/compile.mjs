// Compile farms with solc 0.6.12: node compile.mjs SOURCE_DIR OUTPUT_JSON MODULES_DIR -> {contract: {abi, bytecode}}
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [sources, output, folder] = process.argv.slice(2);
const solc = createRequire(path.join(folder, "package.json"))("solc");
const ORACLE = "@sushiswap/core/contracts/MasterChef.sol"; // what the Craftsman's rewards are compared with
const read = (name) => readFileSync(path.join(folder, "node_modules", name), "utf8");
const files = readdirSync(sources).filter((name) => name.endsWith(".sol")).sort();
const input = {
  language: "Solidity",
  sources: {
    [ORACLE]: { content: read(ORACLE) },
    ...Object.fromEntries(files.map((name) => [name, { content: readFileSync(path.join(sources, name), "utf8") }])),
  },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: "istanbul",
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const result = JSON.parse(solc.compile(JSON.stringify(input), { import: (name) => ({ contents: read(name) }) }));
const problems = (result.errors ?? []).filter((error) => error.severity === "error");
if (problems.length > 0) {
  console.error(problems.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = {};
for (const compiled of Object.values(result.contracts)) {
  for (const [name, contract] of Object.entries(compiled)) {
    if (contract.evm.bytecode.object) contracts[name] = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
  }
}
writeFileSync(output, JSON.stringify(contracts, null, 1));
