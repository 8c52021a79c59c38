// What every Node peer shares: packages from the installed peers, and sockets announced before the slow imports.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

/** A `require` that finds packages in the directory of the installed peers. */
export const packagesIn = (directory) => createRequire(path.join(directory, "package.json"));

/** Listen `count` times on 127.0.0.1 and announce it; requests wait until `build()` resolves to as many applications. */
export async function serve(count, build) {
  let ready;
  const apps = new Promise((resolve) => (ready = resolve));
  for (let index = 0; index < count; index += 1) {
    const server = createServer((request, response) => apps.then((built) => built[index](request, response)));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", 256, resolve));
    console.log(`Listening on 127.0.0.1:${server.address().port}`);
  }
  setImmediate(async () => ready(await build()));
}

/** Read the arguments of a seller, in the order of SellerPlan in listen.py, after the directory of packages. */
export function sellerPlan() {
  const [directory, payee, token, tokenName, tokenVersion, network, ...facilitators] = process.argv.slice(2);
  return { require: packagesIn(directory), payee, token, tokenName, tokenVersion, network, facilitators };
}

/** Add the handlers that all Express sellers have. */
export function addHandlers(app, express) {
  app.get("/paid", (_, response) => response.json({ bought: "get" }));
  app.post("/paid", express.text({ type: "*/*" }), (request, response) =>
    response.json({ bought: "post", body: typeof request.body === "string" ? request.body : "" }));
  app.get("/health", (_, response) => response.json({ status: "ok" }));
}
