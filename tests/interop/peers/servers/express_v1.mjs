// Seller: TypeScript x402 1 on Express.
import { addHandlers, sellerPlan, serve } from "./listen.mjs";

const plan = sellerPlan();

function application(facilitator) {
  const express = plan.require("express");
  const { paymentMiddleware } = plan.require("x402-express");
  const route = (price) => ({ price, network: "base-sepolia", config: { description: "a paid request" } });
  const routes = { "GET /paid": route("$0.001"), "POST /paid": route("$0.002") };

  const app = express();
  app.use(paymentMiddleware(plan.payee, routes, { url: facilitator }));
  addHandlers(app, express);
  return app;
}

await serve(plan.facilitators.length, async () => plan.facilitators.map(application));
