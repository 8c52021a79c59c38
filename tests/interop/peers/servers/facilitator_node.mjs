// Facilitator: the official TypeScript x402 2 pieces behind three routes. Arguments: PACKAGES RPC_URL PRIVATE_KEY NETWORK.
import { readFileSync } from "node:fs";
import { packagesIn, serve } from "./listen.mjs";

const [directory, rpcUrl, privateKey, network] = process.argv.slice(2);
const require = packagesIn(directory);
const V1_NETWORKS = ["base-sepolia"];
const POLLING_MILLISECONDS = 20;
// Whose wallets are deployed by their first payment (ERC-6492).
const FACTORY = JSON.parse(readFileSync("src/paygent/evm/artifacts/AgentWalletFactory.json", "utf8")).address;

function buildFacilitator() {
  const { createWalletClient, defineChain, http, publicActions } = require("viem");
  const { nonceManager, privateKeyToAccount } = require("viem/accounts");
  const { toFacilitatorEvmSigner } = require("@x402/evm");
  const { x402Facilitator } = require("@x402/core/facilitator");
  const { EIP2612_GAS_SPONSORING } = require("@x402/extensions");
  const Exact = require("@x402/evm/exact/facilitator").ExactEvmScheme;
  const ExactV1 = require("@x402/evm/exact/v1/facilitator").ExactEvmSchemeV1;
  const Upto = require("@x402/evm/upto/facilitator").UptoEvmScheme;

  const account = privateKeyToAccount(privateKey, { nonceManager });
  const chain = defineChain({
    id: Number(network.split(":")[1]),
    name: "local",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const client = createWalletClient({ account, chain, transport: http(rpcUrl), pollingInterval: POLLING_MILLISECONDS })
    .extend(publicActions);
  const signer = toFacilitatorEvmSigner({
    address: account.address,
    getCode: (args) => client.getCode(args),
    readContract: (args) => client.readContract({ ...args, args: args.args ?? [] }),
    verifyTypedData: (args) => client.verifyTypedData(args),
    writeContract: (args) => client.writeContract({ ...args, args: args.args ?? [] }),
    sendTransaction: (args) => client.sendTransaction(args),
    waitForTransactionReceipt: (args) => client.waitForTransactionReceipt(args),
  });
  const facilitator = new x402Facilitator();
  facilitator.register(network, new Exact(signer, { eip6492AllowedFactories: [FACTORY] }));
  facilitator.register(network, new Upto(signer));
  facilitator.registerV1(V1_NETWORKS, new ExactV1(signer));
  facilitator.registerExtension(EIP2612_GAS_SPONSORING);
  return facilitator;
}

function application() {
  const express = require("express");
  const facilitator = buildFacilitator();
  const app = express();
  app.use(express.json());
  app.get("/supported", (_, response) => response.json(facilitator.getSupported()));
  app.post("/verify", async ({ body }, response) =>
    response.json(await facilitator.verify(body.paymentPayload, body.paymentRequirements)));
  app.post("/settle", async ({ body }, response) =>
    response.json(await facilitator.settle(body.paymentPayload, body.paymentRequirements)));
  app.get("/health", (_, response) => response.json({ status: "ok" }));
  return app;
}

await serve(1, async () => [application()]);
