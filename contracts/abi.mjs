// Write what Python needs of each contract that is deployed: ABI, creation code, and where and as what it is found on every chain.
//
//   node abi.mjs           write src/paygent/evm/artifacts, and addresses and code hashes in contract_deployments.json beside it
//   node abi.mjs --check   fail if a committed file differs from what the sources give
//
// Everything is deployed through the canonical CREATE2 deployer with the salt zero, so address and runtime code follow from the sources.
// Where a contract is created by another one, or knows another one's address, that is filled in below.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sha3 from "js-sha3";
import { forge } from "./forge.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ARTIFACTS = join(HERE, "..", "src", "paygent", "evm", "artifacts");
const DEPLOYMENTS = join(ARTIFACTS, "..", "contract_deployments.json");
const DEPLOYER = "4e59b44847b379578588920ca78fbf26c0b4956c";
const SALT = "0".repeat(64);

// In this order: an entry may use the ones above. `constructor`: addresses that the constructor takes. `immutable`: the one address in its code.
const CONTRACTS = [
  { name: "AgentWalletFactory", immutable: (self) => createdBy(self) },
  { name: "AgentWallet", address: (found) => createdBy(found.AgentWalletFactory), immutable: (_, found) => found.AgentWalletFactory },
  { name: "PaymentRouter" },
  { name: "ServiceRegistry", constructor: (found) => [found.PaymentRouter], immutable: (_, found) => found.PaymentRouter },
];

const keccak = (hex) => sha3.keccak256(Buffer.from(hex, "hex"));
const create2 = (code) => keccak("ff" + DEPLOYER + SALT + keccak(code)).slice(24);
// The address of a contract's first creation: rlp of (creator, 1).
const createdBy = (creator) => keccak("d694" + creator + "01").slice(24);

function checksummed(address) {
  const hash = sha3.keccak256(address);
  return "0x" + [...address].map((c, i) => (parseInt(hash[i], 16) > 7 ? c.toUpperCase() : c)).join("");
}

function runtime(compiled, immutable) {
  let code = compiled.deployedBytecode.object.slice(2);
  const references = Object.values(compiled.deployedBytecode.immutableReferences ?? {});
  if (references.length !== (immutable ? 1 : 0)) throw new Error("an immutable that abi.mjs does not know");
  for (const { start, length } of references.flat()) {
    code = code.slice(0, 2 * start) + immutable.padStart(2 * length, "0") + code.slice(2 * (start + length));
  }
  return code;
}

function artifact(entry, found) {
  const compiled = JSON.parse(readFileSync(join(HERE, "out", `${entry.name}.sol`, `${entry.name}.json`), "utf8"));
  const { compiler, settings } = compiled.metadata;
  const given = entry.constructor === Object ? [] : entry.constructor(found);
  const creation = compiled.bytecode.object.slice(2) + given.map((address) => address.padStart(64, "0")).join("");
  const address = entry.address ? entry.address(found) : create2(creation);
  found[entry.name] = address;
  const { optimizer, evmVersion } = settings;
  return {
    contract: entry.name,
    source: `contracts/src/${entry.name}.sol`,
    compiler: `solc ${compiler.version.split("+")[0]}`,
    settings: { evmVersion, optimizer, metadata: { bytecodeHash: "none", appendCBOR: false } },
    address: checksummed(address),
    constructorArguments: given.map(checksummed),
    runtimeCodeHash: "0x" + keccak(runtime(compiled, entry.immutable?.(address, found))),
    abi: compiled.abi,
    bytecode: compiled.bytecode.object,
  };
}

/** The contracts as they are on each chain that is recorded. */
function deployments(artifacts) {
  const entries = artifacts.map(({ contract, address, runtimeCodeHash }) => [contract, { address, code_hash: runtimeCodeHash }]);
  const chains = Object.keys(JSON.parse(readFileSync(DEPLOYMENTS, "utf8")));
  return Object.fromEntries(chains.map((chain) => [chain, Object.fromEntries(entries)]));
}

const built = forge(["build", "--skip", "test", "--quiet"]);
if (built.status !== 0) process.exit(1);
const check = process.argv.includes("--check");
const found = {};
const artifacts = CONTRACTS.map((entry) => artifact(entry, found));
const files = artifacts.map((made) => [join(ARTIFACTS, `${made.contract}.json`), made]);
let stale = false;
mkdirSync(ARTIFACTS, { recursive: true });
for (const [target, content] of [...files, [DEPLOYMENTS, deployments(artifacts)]]) {
  const text = JSON.stringify(content, null, 1) + "\n";
  if (!check) {
    writeFileSync(target, text);
  } else if (readFileSync(target, "utf8") !== text) {
    console.error(`${target} differs from its source: run "nox -s abi"`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
