// Write eip712_viem.json: EIP-712 digests and signatures made by viem, an implementation that shares no code with ours.
// Run: python -m tests.interop.install && node tests/vectors/make_viem.mjs   (output is deterministic)
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../.peers/npm/package.json", import.meta.url));
const { hashTypedData, keccak256, toHex } = require("viem");
const { privateKeyToAccount } = require("viem/accounts");

// The first five development keys every local EVM prints (mnemonic "test test ... junk"); worthless by design.
const KEYS = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
  "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
];
const ACCOUNTS = KEYS.map((key) => privateKeyToAccount(key));

const PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const EXACT_PROXY = "0x402085c248EeA27D92E8b30b2C58ed07f9E20001";
const UPTO_PROXY = "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002";
const MAX = 2n ** 256n - 1n;

const TOKENS = [
  { name: "USDC", version: "2", chainId: 84532, verifyingContract: "0x036CbD53842c5426634e7929541eC2318f3dCF7e" },
  { name: "USD Coin", version: "2", chainId: 8453, verifyingContract: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913" },
  { name: "Bridged USDC (Stargate)", version: "1", chainId: 338, verifyingContract: "0xc01efAaF7C5C61bEbFAeb358E1161b537b8bC0e0" },
  { name: "Bridged USDC (Stargate)", version: "2", chainId: 25, verifyingContract: "0xf951eC28187D9E5Ca673Da8FE6757E6f0Be5F77C" },
  { name: "Test USD", version: "1", chainId: 31337, verifyingContract: "0x5FbDB2315678afecb367f032d93F642f64180aa3" },
  { name: "Ünïcødé 円 \u{1F4B8}", version: "2.0-β", chainId: 1, verifyingContract: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48" },
];

const types = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
  TokenPermissions: [
    { name: "token", type: "address" },
    { name: "amount", type: "uint256" },
  ],
  ExactWitness: [
    { name: "to", type: "address" },
    { name: "validAfter", type: "uint256" },
  ],
  UptoWitness: [
    { name: "to", type: "address" },
    { name: "facilitator", type: "address" },
    { name: "validAfter", type: "uint256" },
  ],
  PermitWitnessTransferFrom: [
    { name: "permitted", type: "TokenPermissions" },
    { name: "spender", type: "address" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
    { name: "witness", type: "Witness" },
  ],
};
const permit2Types = (witness) => ({
  PermitWitnessTransferFrom: types.PermitWitnessTransferFrom,
  TokenPermissions: types.TokenPermissions,
  Witness: witness,
});

const word = (text) => keccak256(toHex(text));
const AMOUNTS = [0n, 1n, 1000n, 10_000n, 1_000_000n, 2n ** 53n, 2n ** 64n - 1n, 2n ** 128n, MAX];
const TIMES = [
  [0n, 1_800_000_000n],
  [1_799_999_400n, 1_800_000_600n],
  [0n, 1n],
  [0n, MAX],
  [2n ** 40n, 2n ** 64n],
];
const NONCES = [`0x${"00".repeat(32)}`, `0x${"ff".repeat(32)}`, `0x${"00".repeat(31)}01`, `0x01${"00".repeat(31)}`];

const cases = [];
const add = (kind, key, domain, typeSet, primaryType, message) =>
  cases.push({ kind, id: `${kind}-${cases.filter((c) => c.kind === kind).length}`, key, domain, types: typeSet, primaryType, message });

function eip3009(index) {
  const [validAfter, validBefore] = TIMES[index % TIMES.length];
  const nonce = index % 3 === 0 ? NONCES[(index / 3) % NONCES.length] : word(`3009-${index}`);
  add("eip3009", index % KEYS.length, TOKENS[index % TOKENS.length],
    { TransferWithAuthorization: types.TransferWithAuthorization }, "TransferWithAuthorization", {
      from: ACCOUNTS[index % KEYS.length].address,
      to: ACCOUNTS[(index + 2) % KEYS.length].address,
      value: AMOUNTS[index % AMOUNTS.length], validAfter, validBefore, nonce,
    });
}

function permit2(kind, spender, index) {
  const token = TOKENS[index % TOKENS.length];
  const [validAfter, deadline] = TIMES[index % TIMES.length];
  const to = ACCOUNTS[(index + 1) % KEYS.length].address;
  const witness = kind === "permit2_upto"
    ? { to, facilitator: ACCOUNTS[(index + 3) % KEYS.length].address, validAfter } : { to, validAfter };
  add(kind, index % KEYS.length, { name: "Permit2", chainId: token.chainId, verifyingContract: PERMIT2 },
    permit2Types(kind === "permit2_upto" ? types.UptoWitness : types.ExactWitness), "PermitWitnessTransferFrom", {
      permitted: { token: token.verifyingContract, amount: AMOUNTS[(index + 1) % AMOUNTS.length] },
      spender, nonce: index === 0 ? MAX : BigInt(word(`${kind}-${index}`)), deadline, witness,
    });
}

function eip2612(index) {
  const [, deadline] = TIMES[index % TIMES.length];
  add("eip2612", index % KEYS.length, TOKENS[index % TOKENS.length], { Permit: types.Permit }, "Permit", {
    owner: ACCOUNTS[index % KEYS.length].address, spender: PERMIT2,
    value: AMOUNTS[(index + 2) % AMOUNTS.length], nonce: BigInt(index), deadline,
  });
}

const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));
times(18, eip3009);
times(12, (index) => permit2("permit2_exact", EXACT_PROXY, index));
times(12, (index) => permit2("permit2_upto", UPTO_PROXY, index));
times(12, eip2612);

// Integers become decimal strings, except domain.chainId, which is a JSON number.
const plain = (value) => JSON.parse(JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item)));

const vectors = [];
for (const { kind, id, key, domain, types: typeSet, primaryType, message } of cases) {
  const typed = { domain, types: typeSet, primaryType, message };
  vectors.push({
    id, kind, domain, primaryType, types: typeSet, message: plain(message),
    privateKey: KEYS[key], signer: ACCOUNTS[key].address,
    digest: hashTypedData(typed), signature: await ACCOUNTS[key].signTypedData(typed),
  });
}
const target = fileURLToPath(new URL("./eip712_viem.json", import.meta.url));
writeFileSync(target, `${JSON.stringify({ generator: `viem ${require("viem/package.json").version}`, vectors }, null, 1)}\n`);
console.log(`${vectors.length} vectors -> ${target}`);
