#!/usr/bin/env node
// The compiler that forge calls: npm's solc behind the two options that forge uses, so nothing is downloaded outside npm.

import { readFileSync } from "node:fs";
import solc from "solc";

const asked = process.argv.slice(2);
if (asked.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version().replace("Emscripten.clang", "Linux.g++")}`);
} else if (asked.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error("only --version and --standard-json are answered");
  process.exit(2);
}
