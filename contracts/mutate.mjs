// Break the contracts in one place at a time and see whether a test notices.
//
//   node mutate.mjs                          every mutant of src/; fails where assertions kill less than 90 %
//   node mutate.mjs --only 'Router.sol:2'    those whose line in --list matches
//   node mutate.mjs --sample 8 --seed 7      so many of them, drawn by the seed
//   node mutate.mjs --needed 0.5             fail only below that share
//   node mutate.mjs --list                   print the mutants and stop
//
// The operators are fixed (OPERATORS and statements below). A mutant that does not compile does not count, nor does one whose bytecode is the
// original's. One is killed by an assertion when a test's own expectation fails: assert*, expectRevert, expectEmit, expectCall. One where a
// call of every failing test reverts unexpectedly is told apart and is not enough. Running out of time or of gas is surviving. Gas tests do not
// take part.
//
// forge compiles the tests once, in a copy of the project and linking contracts dynamically. A mutant replaces artifacts of that copy, so only
// the contract itself is compiled again. This project is never written to.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import solc from "solc";
import { forge } from "./forge.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const TIMEOUT_MS = 120_000;
const SETTINGS = {
  evmVersion: "cancun",
  optimizer: { enabled: false }, // three times as fast, and no mutant disappears into an optimization
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
// Which tests judge a file: the first that matches.
const JUDGES = [
  [/Registry|Router|router\//, ["router", "registry"]],
  [/./, ["wallet"]],
];
const foldersFor = (path) => JUDGES.find(([pattern]) => pattern.test(path))[1];

// what is mutated ---------------------------------------------------------------------------------------------------------

const OPERATORS = [
  ["relational", /(?<![=!<>])==(?!=)/g, () => ["!="]],
  ["relational", /!=/g, () => ["=="]],
  ["relational", /(?<![<>=-])<(?![<=])/g, () => ["<=", ">="]],
  ["relational", /(?<![<>=-])>(?![>=])/g, () => [">=", "<="]],
  ["relational", /(?<![<])<=/g, () => ["<", ">"]],
  ["relational", /(?<![>])>=/g, () => [">", "<"]],
  ["arithmetic", /(?<![+])\+(?![+=])/g, () => ["-"]],
  ["arithmetic", /(?<![-])-(?![-=>])/g, () => ["+"]],
  ["arithmetic", /(?<![*/])\*(?![*/=])/g, () => ["/"]],
  ["arithmetic", /(?<![*/])\/(?![*/=])/g, () => ["*"]],
  ["arithmetic", /%(?!=)/g, () => ["/"]],
  ["arithmetic", /\+=/g, () => ["-=", "="]],
  ["arithmetic", /-=/g, () => ["+=", "="]],
  ["arithmetic", /<<(?!=)/g, () => [">>"]],
  ["arithmetic", />>(?!=)/g, () => ["<<"]],
  ["arithmetic", /(?<!\|)\|(?![|=])/g, () => ["&"]],
  ["boolean", /&&/g, () => ["||"]],
  ["boolean", /\|\|/g, () => ["&&"]],
  ["boolean", /!(?=[A-Za-z_(])/g, () => [""]],
  ["ternary", /\b[a-z]\w*(?= \? )/g, (text) => [`!${text}`]],
  ["boolean", /\btrue\b/g, () => ["false"]],
  ["boolean", /\bfalse\b/g, () => ["true"]],
  ["constant", /\b0x[0-9a-fA-F]+\b/g, (text) => [`0x${(BigInt(text) ^ 1n).toString(16).padStart(text.length - 2, "0")}`]],
  ["constant", /(?<![\w.])\d+(?![\w.x])/g, (text) => [String(BigInt(text) + 1n)]],
  ["modifier", /\bnonReentrant\b|\bonly[A-Z]\w*\b(?!\s*\()/g, () => [""]],
  ["sender", /\bmsg\.sender\b/g, () => ["address(this)"]],
  ["sender", /\baddress\(this\)/g, () => ["msg.sender"]],
];

/** The code with comments and strings blanked, so that positions stay. */
function masked(code) {
  const hidden = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|\b(?:pragma|import)\b[^;]*;/g;
  return code.replace(hidden, (text) => text.replace(/[^\n]/g, " "));
}

/** Statements inside functions that may be left out: reverts, writes, calls, events, jumps. */
function* statements(code) {
  const blocks = [];
  let start = 0;
  let parentheses = 0;
  for (let at = 0; at < code.length; at++) {
    const character = code[at];
    if (character === "(") parentheses++;
    if (character === ")") parentheses--;
    if (parentheses > 0 || !";{}".includes(character)) continue;
    const text = code.slice(start, at).trim();
    if (character === "{") blocks.push(/^(?:struct|enum|interface|event)\b/.test(text) ? "values" : "code");
    if (character === "}") blocks.pop();
    if (character === ";" && blocks.length >= 2 && !blocks.includes("values") && isRemovable(text)) {
      const from = start + code.slice(start, at).search(/\S/);
      yield { from, to: at + 1, operator: /^if\b[\s\S]*\brevert\b|^revert\b/.test(text) ? "revert" : "statement" };
    }
    start = at + 1;
  }
}

function isRemovable(text) {
  const declares = /^(?:\(?\s*(?:u?int\d*|bool|address|bytes\d*|string|[A-Z]\w*)(?:\[\])?\s+(?:memory\s+|storage\s+|calldata\s+)?\w+)/;
  return text !== "" && !declares.test(text) && !/^(?:_|else|assembly|using)$|^return\s+\S|^using\b/.test(text);
}

function mutantsOf(path) {
  const code = readFileSync(join(HERE, path), "utf8");
  const bare = masked(code);
  const body = bare.search(/\b(?:contract|library)\s+\w+[^{]*\{|\btype\s+\w+\s+is\b|^function\b/m);
  const found = [];
  const add = (operator, from, to, replacement) => {
    if (from < body) return;
    found.push({ path, operator, from, to, replacement, line: code.slice(0, from).split("\n").length, was: code.slice(from, to) });
  };
  for (const [operator, pattern, replacements] of OPERATORS) {
    for (const match of bare.matchAll(pattern)) {
      for (const replacement of replacements(match[0])) add(operator, match.index, match.index + match[0].length, replacement);
    }
  }
  for (const { from, to, operator } of statements(bare)) add(operator, from, to, "");
  return found.sort((one, other) => one.from - other.from);
}

// which contracts a file is part of ---------------------------------------------------------------------------------------

function sources(folder = "src") {
  return readdirSync(join(HERE, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === "interfaces" ? [] : sources(path);
    return path.endsWith(".sol") ? [path] : [];
  });
}

function importsOf(path) {
  const code = readFileSync(join(HERE, path), "utf8");
  return [...code.matchAll(/^import [^;]*?"(\.[^"]+)"/gm)].map((match) => relative(HERE, join(HERE, dirname(path), match[1])));
}

/** Files whose contracts contain the code of `path`: itself and all that import it, directly or not. */
function dependents(path, all) {
  const reached = new Set([path]);
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const other of all) if (importsOf(other).some((imported) => reached.has(imported))) reached.add(other);
  }
  return [...reached];
}

function compile(files, changed) {
  const content = (path) => (changed && path === changed.path ? changed.code : readFileSync(join(HERE, path), "utf8"));
  const input = { language: "Solidity", settings: SETTINGS, sources: {} };
  for (const path of files) input.sources[path] = { content: content(path) };
  const find = (path) => {
    const local = path.startsWith("@") ? `node_modules/${path}` : path;
    return existsSync(join(HERE, local)) ? { contents: content(local) } : { error: "not found" };
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  if ((output.errors ?? []).some((error) => error.severity === "error")) return undefined;
  return files.flatMap((path) =>
    Object.entries(output.contracts?.[path] ?? {})
      .filter(([, made]) => made.evm.bytecode.object !== "")
      .map(([name, made]) => ({ path, name, code: made.evm.bytecode.object, deployed: made.evm.deployedBytecode.object })),
  );
}

// judging -----------------------------------------------------------------------------------------------------------------

/** A project of its own with the tests that judge, compiled once. Without filters, for a filter makes forge compile all tests again. */
class Bench {
  constructor(folders, part) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), "mutants-")));
    for (const folder of ["src", "devnet"]) cpSync(join(HERE, folder), join(this.root, folder), { recursive: true });
    symlinkSync(join(HERE, "node_modules"), join(this.root, "node_modules"), "junction");
    const settings = readFileSync(join(HERE, "foundry.toml"), "utf8").replaceAll("./node_modules", realpathSync(join(HERE, "node_modules")));
    writeFileSync(join(this.root, "foundry.toml"), settings);
    const wanted = (path) => !path.endsWith(".t.sol") || (/invariant/i.test(path) ? "invariant" : /gas/i.test(path) ? "gas" : "unit") === part;
    for (const folder of ["support", "router/Tokens.sol", ...folders]) {
      const options = { recursive: true, filter: (path) => wanted(path) };
      cpSync(join(HERE, "test", folder), join(this.root, "test", folder), options);
    }
    this.environment = { FOUNDRY_DYNAMIC_TEST_LINKING: "true", FOUNDRY_OPTIMIZER: "false", FOUNDRY_SOLC: quickCompiler(this.root) };
    this.originals = new Map();
  }

  /** Undefined if all tests passed, else why not. All tests have their say only where the first failure was no assertion. */
  failure() {
    const first = this.reason("--fail-fast");
    return first === undefined || kindOf(first) !== "reverted" ? first : this.reason();
  }

  reason(...flags) {
    const command = [`--root=${this.root}`, "--json", ...flags];
    const options = { stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS, maxBuffer: 1 << 28, cwd: this.root };
    const ended = forge(["test", ...command], { ...options, environment: this.environment });
    if (ended.error) return "timeout";
    if (ended.status === 0) return undefined;
    return reasonIn(ended.stdout.toString()) ?? `forge: ${ended.stderr.toString().slice(0, 300)}`;
  }

  /** Why the tests fail with these contracts in place of the real ones. */
  failureWith(contracts) {
    contracts.forEach((contract) => this.put(contract));
    try {
      return this.failure();
    } finally {
      for (const [file, content] of this.originals) writeFileSync(file, content);
    }
  }

  put({ path, name, code, deployed }) {
    const file = join(this.root, "out", basename(path), `${name}.json`);
    if (!existsSync(file)) return;
    if (!this.originals.has(file)) this.originals.set(file, readFileSync(file, "utf8"));
    const artifact = JSON.parse(this.originals.get(file));
    artifact.bytecode.object = `0x${code}`;
    artifact.deployedBytecode.object = `0x${deployed}`;
    writeFileSync(file, JSON.stringify(artifact));
  }

  close() {
    rmSync(this.root, { recursive: true });
  }
}

/** The compiler behind a quick answer to `--version`, which forge asks at each start. */
function quickCompiler(root) {
  const compiler = join(HERE, "tools", "solc.mjs");
  const version = spawnSync(process.execPath, [compiler, "--version"], { encoding: "utf8" }).stdout;
  const file = join(root, "solc.mjs");
  const code = `#!/usr/bin/env node
if (process.argv.includes("--version")) process.stdout.write(${JSON.stringify(version)});
else await import(${JSON.stringify(pathToFileURL(compiler).href)});
`;
  writeFileSync(file, code, { mode: 0o755 });
  return file;
}

/** The best of the reasons: an assertion's, else a revert's, else any. */
function reasonIn(json) {
  const failed = Object.values(JSON.parse(json))
    .flatMap((suite) => Object.entries(suite.test_results))
    .filter(([, result]) => result.status === "Failure")
    .map(([test, result]) => `${test}: ${result.reason ?? "failed"}`);
  return KINDS.flatMap((kind) => failed.filter((reason) => kindOf(reason) === kind))[0];
}

const KINDS = ["asserted", "reverted", "survived"];
const EXPECTATIONS =
  /assertion failed|revert(?:ed)? as expected|!= expected|mismatch at|expected (?:an emit|call to|not to revert)|emitted \d+ times|log was expected/;

/** The words that our tests give to assertions: forge tells them in place of "assertion failed". */
const LABELS = new Set(
  readdirSync(join(HERE, "test"), { recursive: true })
    .filter((path) => path.endsWith(".sol"))
    .flatMap((path) => [...readFileSync(join(HERE, "test", path), "utf8").matchAll(/\bassert\w+\([^;]*"([^"]+)"\);/g)])
    .map(([, label]) => label),
);

/** What a reason says about a mutant: a test's own expectation failed, a call reverted, or nothing (time and gas are no judges). */
function kindOf(reason) {
  if (reason === undefined || reason === "timeout" || reason.startsWith("forge:") || /OutOfGas|MemoryLimit|MemoryOOG/.test(reason)) return "survived";
  const [, told] = /^\w+\(.*?\): (.*)$/s.exec(reason);
  return EXPECTATIONS.test(told) || LABELS.has(told.split(": ")[0]) ? "asserted" : "reverted";
}

function judge(court, mutant, all) {
  const code = readFileSync(join(HERE, mutant.path), "utf8");
  const changed = { path: mutant.path, code: code.slice(0, mutant.from) + mutant.replacement + code.slice(mutant.to) };
  const made = compile(dependents(mutant.path, all), changed);
  if (made === undefined) return { verdict: "uncompilable" };
  const different = made.filter((one) => court.original(one, all) !== one.code);
  if (different.length === 0) return { verdict: "same" };
  const reason = court.failure(foldersFor(mutant.path), different);
  return { verdict: kindOf(reason), reason };
}

/** The benches, each built when it is first needed, and the code of the contracts as they are. */
class Court {
  benches = new Map();
  codes = new Map();

  failure(folders, contracts) {
    const unit = this.bench(folders, "unit").failureWith(contracts);
    if (kindOf(unit) === "asserted") return unit;
    const invariant = this.bench(folders, "invariant").failureWith(contracts);
    return kindOf(invariant) === "asserted" ? invariant : (unit ?? invariant);
  }

  bench(folders, part) {
    const key = `${folders} ${part}`;
    if (this.benches.has(key)) return this.benches.get(key);
    const bench = new Bench(folders, part);
    this.benches.set(key, bench);
    const reason = bench.failure();
    if (reason !== undefined) throw new Error(`the tests fail without a mutant: ${reason}`);
    return bench;
  }

  original({ path, name }, all) {
    const key = `${path}:${name}`;
    if (!this.codes.has(key)) for (const one of compile(dependents(path, all))) this.codes.set(`${one.path}:${one.name}`, one.code);
    return this.codes.get(key);
  }

  close() {
    for (const bench of this.benches.values()) bench.close();
  }
}

// the command -------------------------------------------------------------------------------------------------------------

/** Deterministic order: by the hash of the seed and of what the mutant is. */
function drawn(mutants, seed, count) {
  const key = (mutant) => createHash("sha256").update(`${seed} ${mutant.path} ${mutant.operator} ${mutant.from} ${mutant.replacement}`).digest("hex");
  return mutants
    .map((mutant) => [key(mutant), mutant])
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .slice(0, count)
    .map(([, mutant]) => mutant);
}

const told = ({ path, line, operator, was, replacement }) =>
  `${path}:${line} ${operator}: ${was.replace(/\s+/g, " ")} -> ${replacement === "" ? "(nothing)" : replacement}`;

function run() {
  const options = { only: { type: "string", default: "." }, sample: { type: "string" }, seed: { type: "string", default: "1" }, needed: { type: "string", default: "0.9" }, list: { type: "boolean" } };
  const { values } = parseArgs({ options });
  const all = sources();
  const every = all.flatMap(mutantsOf).filter((mutant) => new RegExp(values.only).test(told(mutant)));
  const chosen = values.sample ? drawn(every, values.seed, Number(values.sample)) : every;
  if (values.list) return chosen.forEach((mutant) => console.log(told(mutant)));
  const court = new Court();
  try {
    report(chosen.map((mutant) => tried(court, mutant, all)), Number(values.needed));
  } finally {
    court.close();
  }
}

function tried(court, mutant, all) {
  const result = { mutant, ...judge(court, mutant, all) };
  if (process.env.MUTATE_VERBOSE) console.log(result.verdict, told(mutant), result.reason ?? "");
  return result;
}

function report(results, needed) {
  const of = (verdict) => results.filter((result) => result.verdict === verdict);
  for (const verdict of ["reverted", "survived"]) {
    for (const { mutant, reason } of of(verdict)) console.log(`${verdict}  ${told(mutant)}${reason ? `  [${reason}]` : ""}`);
  }
  const counts = KINDS.map((kind) => of(kind).length);
  const [asserted, reverted, survived] = counts;
  const counted = asserted + reverted + survived;
  const share = (part) => (counted === 0 ? 1 : part / counted);
  const percent = (part) => `${(share(part) * 100).toFixed(1)} %`;
  console.log(`${counted} mutants: ${asserted} killed by an assertion (${percent(asserted)}), ${reverted} by reverts only, ${survived} survived`);
  console.log(`killed in any way: ${percent(asserted + reverted)}`);
  console.log(`not counted: ${of("uncompilable").length} do not compile, ${of("same").length} change no bytecode`);
  if (share(asserted) < needed) process.exitCode = 1;
}

run();
