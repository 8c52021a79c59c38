// Seller: official TypeScript x402 2 on Express.
import { addHandlers, sellerPlan, serve } from "./listen.mjs";

const UPTO_CHARGE = "1700";
const plan = sellerPlan();

function application(facilitator) {
  const express = plan.require("express");
  const { paymentMiddleware, setSettlementOverrides, x402ResourceServer } = plan.require("@x402/express");
  const { HTTPFacilitatorClient } = plan.require("@x402/core/server");
  const { declareEip2612GasSponsoringExtension } = plan.require("@x402/extensions");
  const exact = new (plan.require("@x402/evm/exact/server").ExactEvmScheme)();
  const upto = new (plan.require("@x402/evm/upto/server").UptoEvmScheme)();
  const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }))
    .register(plan.network, exact)
    .register(plan.network, upto);

  const base = { payTo: plan.payee, network: plan.network };
  const extra = { name: plan.tokenName, version: plan.tokenVersion, assetTransferMethod: "permit2" };
  const permit2 = (scheme, amount) => ({ ...base, scheme, price: { amount, asset: plan.token, extra } });
  const extensions = declareEip2612GasSponsoringExtension();
  const routes = {
    "GET /paid": { accepts: { ...base, scheme: "exact", price: "$0.001" }, description: "a paid GET" },
    "POST /paid": { accepts: { ...base, scheme: "exact", price: "$0.002" }, description: "a paid POST" },
    "GET /permit2": { accepts: permit2("exact", "3000"), extensions },
    "GET /upto": { accepts: permit2("upto", "5000"), extensions },
  };

  const app = express();
  app.use(paymentMiddleware(routes, server));
  addHandlers(app, express);
  app.get("/permit2", (_, response) => response.json({ bought: "permit2" }));
  app.get("/upto", (_, response) => {
    setSettlementOverrides(response, { amount: UPTO_CHARGE });
    response.json({ bought: "upto" });
  });
  return app;
}

await serve(plan.facilitators.length, async () => plan.facilitators.map(application));
