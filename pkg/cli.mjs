#!/usr/bin/env node
/*! easypeers 1.0.0 | MIT */

// scripts/entry/cli.mjs
import Easypeers from "./node.cjs";

// src/node/cli.mjs
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

// src/node/identity.mjs
import { readFile, stat, writeFile } from "node:fs/promises";

// src/node/usage-error.mjs
var UsageError = class extends Error {
};

// src/node/identity.mjs
async function identityIn(file, Easypeers2, warn) {
  try {
    const made = Easypeers2.createIdentity();
    await writeFile(file, `${made}
`, { flag: "wx", mode: 384 });
    return made;
  } catch (error) {
    if (error.code !== "EEXIST") throw new UsageError(`--identity: ${file} cannot be made: ${error.message}`);
  }
  const [text, { mode }] = await Promise.all([readFile(file, "utf8"), stat(file)]).catch((error) => {
    throw new UsageError(`--identity: ${file} cannot be read: ${error.message}`);
  });
  if (process.platform !== "win32" && mode & 63) {
    warn(`Others on this machine can read ${file}, and with it pass for you: chmod 600 ${file}`);
  }
  const identity = text.trim();
  if (!/^[0-9a-f]{64}$/i.test(identity)) throw new UsageError(`--identity: ${file} does not hold an identity, which is 64 hexadecimal digits`);
  return identity;
}

// src/node/leave.mjs
var PATIENCE = 2500;
function leave(easypeers) {
  if (easypeers.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE);
    easypeers.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    easypeers.close();
  });
}
var SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
function untilSignal() {
  let ignore;
  const signal = new Promise((resolve) => {
    const listener = (name) => {
      ignore();
      resolve(name);
    };
    for (const name of SIGNALS) process.on(name, listener);
    ignore = () => SIGNALS.forEach((name) => process.off(name, listener));
  });
  return { signal, ignore };
}
var HUNG_UP = 129;
function finish(code) {
  process.exitCode = code;
  if (code !== HUNG_UP) return;
  process.removeAllListeners("SIGHUP");
  process.kill(process.pid, "SIGHUP");
}
function codeAfter(signal, { stdin, stdout, stderr }) {
  return signal === "SIGHUP" && (stdin.isTTY || stdout.isTTY || stderr.isTTY) ? HUNG_UP : 0;
}

// src/node/text.mjs
var LONGEST_SHOWN = 4e3;
var UNSAFE = new RegExp("[\\p{Cc}\\u2028\\u2029\\u3164\\uffa0\\u115f\\u1160]|(?![\\u200c\\u200d])\\p{Cf}|\\p{Cs}", "gu");
var NAMED = { "\n": "\\n", "\r": "\\r", "	": "\\t" };
function visible(text) {
  return text.replace(UNSAFE, (letter) => NAMED[letter] ?? letter.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""));
}
function textOf(message) {
  if (typeof message === "string") return message;
  if (!(message instanceof Uint8Array)) {
    const plain = plainly(message);
    return typeof plain === "string" ? plain : JSON.stringify(plain);
  }
  const some2 = Array.from(message.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${count(message.length, "byte")}: ${some2}${message.length > 32 ? " …" : ""}`;
}
function shortened(text, longest = LONGEST_SHOWN) {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}
function plainly(message) {
  try {
    return JSON.parse(JSON.stringify({ message }, inPlainWords)).message ?? null;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return "a value that is nested too deep to be shown";
  }
}
function inPlainWords(key, value) {
  if (typeof value === "bigint" || typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Error) return String(value);
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  return value;
}
function safeJson(value) {
  return visible(JSON.stringify(value));
}
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
function milliseconds(rtt) {
  return rtt == null ? "" : `${Math.max(1, Math.round(rtt))} ms`;
}

// src/node/trackers.mjs
var isHere = (url) => /^wss?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(url);
function watchTrackers(easypeers, say2) {
  let reachable = true;
  easypeers.on("tracker", () => {
    const { trackers } = easypeers;
    if (trackers.length === 0) return;
    if (trackers.some(({ state }) => state === "ready")) {
      if (!reachable) say2("A tracker answers again.");
      reachable = true;
    } else if (reachable && trackers.every(({ lastError }) => lastError)) {
      reachable = false;
      say2(`${whatIsWrong(trackers)} Trying again and again.`);
    }
  });
}
function logTrackers(easypeers, say2) {
  const answering = /* @__PURE__ */ new Map();
  easypeers.on("tracker", ({ url, state, peers: peers2, lastError }) => {
    if (state !== "ready" && state !== "waiting") return;
    const answers = state === "ready";
    if (answering.get(url) === answers) return;
    answering.set(url, answers);
    say2(answers ? `tracker ${url} answers, and counts ${peers2} here` : `tracker ${url} does not answer${because(lastError)}`);
  });
}
function whatIsWrong(trackers) {
  const [{ url, lastError }] = trackers;
  return trackers.length === 1 ? `The tracker ${url} does not answer${because(lastError)}.` : `None of the ${trackers.length} trackers answers, the first of them ${url}${because(lastError)}. Is this machine online?`;
}
function because(error) {
  return error ? ` (${visible(error)})` : "";
}

// src/node/keep.mjs
var HOUR = 60 * 60 * 1e3;
async function keep(easypeers, { topic, json, streams }) {
  const { stdout } = streams;
  const { signal, ignore } = untilSignal();
  const began = Date.now();
  const log = (event, text, about = {}) => {
    const time = (/* @__PURE__ */ new Date()).toISOString();
    stdout.write(json ? `${safeJson({ event, ...about, time })}
` : `${time} ${text}
`);
  };
  stdout.on("error", () => {
  });
  log("join", `keeps the swarm ${visible(topic)} as ${easypeers.address}`, { topic, address: easypeers.address });
  let linked = false;
  const look2 = () => {
    if (linked === easypeers.wireCount > 0) return;
    linked = !linked;
    log(linked ? "linked" : "alone", linked ? "linked with the swarm" : "alone again");
  };
  easypeers.on("connect", look2);
  easypeers.on("disconnect", look2);
  easypeers.on("warning", () => {
  });
  easypeers.on("error", (error) => log("error", visible(error.message), { message: error.message }));
  logTrackers(easypeers, (text) => log("tracker", text, { text }));
  const hourly = setInterval(() => {
    const { wireCount, peerCount } = easypeers;
    const { forwarded } = easypeers.stats();
    const hours = Math.round((Date.now() - began) / HOUR);
    const { rss } = process.memoryUsage();
    log(
      "status",
      `${count(wireCount, "neighbor")}, ${count(peerCount, "peer")} known, ${forwarded} passed on in ${count(hours, "hour")}, ${Math.round(rss / 1e6)} MB of memory`,
      { neighbors: wireCount, peers: peerCount, forwarded, rss }
    );
  }, HOUR);
  const name = await signal;
  ignore();
  clearInterval(hourly);
  easypeers.off("connect").off("disconnect");
  await leave(easypeers);
  log("close", `said goodbye on ${name}`, { signal: name });
  return codeAfter(name, streams);
}

// src/node/piped.mjs
import { createInterface } from "node:readline";
var MOST_UNDER_WAY = 256;
var MOST_UNREAD = 64 << 20;
async function piped(easypeers, { topic, json, timeout, stay, streams }) {
  const { stdin, stdout, stderr } = streams;
  const { signal, ignore } = untilSignal();
  const notice = (text) => stderr.write(`${text}
`);
  const tell = (event, about) => json && stdout.write(`${safeJson({ event, ...about, time: (/* @__PURE__ */ new Date()).toISOString() })}
`);
  const shown = (text) => stdout.isTTY ? shortened(text) : text;
  const deaf = new Promise((resolve) => stdout.once("error", resolve));
  stderr.on("error", () => {
  });
  let unread = 0;
  easypeers.on("message", ({ message, from, to: to2, verified, id, hops }) => {
    if (stdout.writableLength > MOST_UNREAD) return void unread++;
    if (unread > 0) notice(`Nobody read what this wrote: ${count(unread, "message")} left out.`);
    unread = 0;
    if (!json) return stdout.write(`${visible(shown(textOf(message)))}
`);
    const content = message instanceof Uint8Array ? { bytes: Buffer.from(message).toString("base64") } : { data: plainly(message) };
    tell("message", { from, ...content, direct: to2 !== void 0, verified, id, hops });
  });
  for (const event of ["connect", "disconnect"]) easypeers.on(event, (address) => tell(event, { address }));
  easypeers.on("warning", ({ code, message }) => tell("warning", { code, message }));
  easypeers.on("error", ({ code, message }) => {
    tell("error", { code, message });
    notice(visible(message));
  });
  easypeers.on("tracker", (status) => tell("tracker", status));
  watchTrackers(easypeers, notice);
  tell("join", { topic, address: easypeers.address });
  const outbox = new Outbox(easypeers, (outcome, { id, to: to2, ...about }) => {
    tell("delivery", { delivered: outcome, id, to: to2, ...about });
    if (!outcome && !outbox.abandoned) notice(`Not delivered${to2 ? ` to ${visible(to2)}` : ""}: ${about.message}`);
  });
  const lines = createInterface({ input: stdin, crlfDelay: Infinity });
  stdin.on("error", () => lines.close());
  const sent = sendAll(lines, outbox, { json, timeout: stay ? void 0 : timeout, notice });
  const name = await Promise.race([...stay ? [] : [sent], signal, deaf]);
  ignore();
  lines.close();
  stdin.destroy();
  await leave(easypeers);
  tell("close", {});
  await outbox.settled();
  return codeAfter(name, streams) || (outbox.failed ? 1 : 0);
}
async function sendAll(lines, outbox, { json, timeout, notice }) {
  for await (const line of lines) {
    if (line === "") continue;
    let message;
    try {
      message = json ? fromJson(line) : { message: line };
    } catch (error) {
      notice(error.message);
      outbox.failed = true;
      continue;
    }
    outbox.send(message);
    if (outbox.underWay < MOST_UNDER_WAY) continue;
    if (!await outbox.met(timeout)) return giveUp(outbox, notice, timeout);
    await outbox.room(MOST_UNDER_WAY);
  }
  while (outbox.underWay > 0) {
    if (!await outbox.met(timeout)) return giveUp(outbox, notice, timeout);
    await outbox.settledOrAlone();
  }
}
function giveUp(outbox, notice, timeout) {
  if (outbox.easypeers.closed) return false;
  notice(`Nobody came within ${count(timeout / 1e3, "second")}: ${count(outbox.underWay, "message")} not delivered.`);
  outbox.abandoned = true;
  return false;
}
function fromJson(line) {
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    return { message: line };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { message: line };
  const { to: to2, message, bytes } = value;
  if (to2 !== void 0 && typeof to2 !== "string") throw new Error(`Not sent: "to" is an address: ${visible(line)}`);
  if (typeof bytes === "string") return { to: to2, message: Buffer.from(bytes, "base64") };
  if (message === void 0) throw new Error(`Not sent: an object has a "message" (or "bytes", in base64): ${visible(line)}`);
  return { to: to2, message };
}
var Outbox = class {
  failed = false;
  /** Nobody came: what is under way fails, and that has been said. */
  abandoned = false;
  #underWay = /* @__PURE__ */ new Set();
  /** @param {(outcome: boolean, about: object) => void} told called for each when it is known */
  constructor(easypeers, told) {
    this.easypeers = easypeers;
    this.told = told;
  }
  get underWay() {
    return this.#underWay.size;
  }
  send({ to: to2, message }) {
    let delivery;
    try {
      delivery = to2 === void 0 ? this.easypeers.send(message) : this.easypeers.send(to2, message);
    } catch ({ code, message: message2 }) {
      this.failed = true;
      return this.told(false, { to: to2, code, message: message2 });
    }
    const { id } = delivery;
    const settled = delivery.then(
      ({ hops, rtt }) => this.told(true, { id, to: to2, hops, rtt }),
      ({ code, message: message2 }) => {
        this.failed = true;
        this.told(false, { id, to: to2, code, message: message2 });
      }
    ).then(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }
  /** Whether somebody is there, or comes before `timeout` is over; without one, it waits as long as it takes. */
  async met(timeout) {
    if (this.easypeers.wireCount > 0) return true;
    let timer, listener;
    const met = await new Promise((resolve) => {
      listener = () => resolve(true);
      this.easypeers.once("connect", listener);
      this.easypeers.once("close", () => resolve(false));
      if (timeout !== void 0) timer = setTimeout(resolve, timeout, false);
    });
    clearTimeout(timer);
    this.easypeers.off("connect", listener);
    return met;
  }
  /** Waits until fewer than `most` are under way. */
  async room(most) {
    while (this.#underWay.size >= most) await Promise.race(this.#underWay);
  }
  async settled() {
    await Promise.all(this.#underWay);
  }
  /** Waits until nothing is under way, or nobody is there any more. */
  async settledOrAlone() {
    let listener;
    const alone = new Promise((resolve) => {
      listener = () => this.easypeers.wireCount === 0 && resolve();
      this.easypeers.on("disconnect", listener);
      listener();
    });
    await Promise.race([this.settled(), alone]);
    this.easypeers.off("disconnect", listener);
  }
};

// src/node/secret.mjs
import { createInterface as createInterface2 } from "node:readline/promises";
import { Writable } from "node:stream";
async function askSecret({ stdin, stderr }) {
  if (!stdin.isTTY) throw new UsageError("--secret asks on a terminal, and there is none: put the secret into EASYPEERS_SECRET");
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface2({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  const given = new AbortController();
  lines.on("SIGINT", () => given.abort());
  lines.on("close", () => given.abort());
  stderr.write("Secret of the swarm: ");
  try {
    const secret = await lines.question("", { signal: given.signal });
    if (!secret) throw new UsageError("--secret: a secret has at least one character");
    return secret;
  } catch (error) {
    if (error.name === "AbortError") throw new UsageError("no secret was given");
    throw error;
  } finally {
    stderr.write("\n");
    lines.close();
  }
}

// src/node/terminal.mjs
import { createHash } from "node:crypto";
import { createInterface as createInterface3, clearScreenDown, moveCursor, cursorTo } from "node:readline";

// src/node/addresses.mjs
var SHORTEST = 6;
var MOST_HEARD = 200;
var Addresses = class {
  #heard = /* @__PURE__ */ new Set();
  constructor(easypeers) {
    this.easypeers = easypeers;
  }
  /** Somebody spoke, and may be spoken of. */
  heard(address) {
    this.#heard.delete(address);
    this.#heard.add(address);
    if (this.#heard.size > MOST_HEARD) this.#heard.delete(this.#heard.values().next().value);
  }
  /** Another swarm: nobody has been heard there yet. */
  forget() {
    this.#heard.clear();
  }
  /** Everyone there is a name for, this peer as well. */
  all() {
    return /* @__PURE__ */ new Set([...this.easypeers.peers, ...this.#heard, this.easypeers.address]);
  }
  /** The first digits of an address, more where others begin with the same. */
  short(address) {
    let length = SHORTEST;
    for (const other of this.all()) {
      while (other !== address && length < address.length && other.startsWith(address.slice(0, length))) length++;
    }
    return address.slice(0, length);
  }
  /** The others whose addresses begin with `prefix`. */
  matching(prefix) {
    const wanted = prefix.toLowerCase();
    return [...this.all()].filter((address) => address !== this.easypeers.address && address.startsWith(wanted)).sort();
  }
};

// src/node/mesh-text.mjs
var MOST_SHOWN = 40;
var ROLES = { successor: "your next", predecessor: "your previous", long: "a long link of yours" };
function meshText(easypeers, short) {
  const { nodes, links } = easypeers.topology();
  const me = easypeers.address;
  const sorted = [...nodes].sort();
  const begin = sorted.indexOf(me);
  const ring = [...sorted.slice(begin + 1), ...sorted.slice(0, begin)];
  const width = Math.max(...nodes.map((address) => short(address).length));
  const name = (address) => short(address).padEnd(width);
  const line = (address) => {
    const own = links.find(({ a, b }) => a === me && b === address || b === me && a === address);
    const others = links.filter(({ a, b }) => a === address && b !== me || b === address && a !== me).map(({ a, b }) => short(a === address ? b : a));
    const said = [
      own && [ROLES[own.role] ?? "linked with you", milliseconds(own.rtt)].filter(Boolean).join(", "),
      others.length > 0 && `linked with ${others.join(" ")}`
    ].filter(Boolean);
    return `${own ? "├──" : "│  "} ${name(address)}  ${said.join("; ")}`.trimEnd();
  };
  const shown = ring.slice(0, MOST_SHOWN);
  const rest = ring.length - shown.length;
  return [
    `${count(nodes.length, "peer")} and ${count(links.length, "link")} known, around the ring:`,
    `┌─▶ ${name(me)}  you`,
    ...shown.map(line),
    ...rest > 0 ? [`│   … and ${rest} more`] : [],
    "└─▶ and back to you"
  ];
}

// src/node/commands.mjs
var COMMANDS = {
  to: { usage: "/to ADDRESS TEXT", help: "send to one peer alone; the first digits are enough, Tab completes", run: to },
  peers: { usage: "/peers", help: "who is known, and who is a neighbor", run: peers },
  mesh: { usage: "/mesh", help: "the ring and the links", run: ({ easypeers, addresses, print }) => print(meshText(easypeers, (address) => addresses.short(address)).join("\n")) },
  join: { usage: "/join TOPIC", help: "leave, and join another swarm", run: ({ join: join2, complain }, topic) => topic ? join2(topic) : complain("Like this: /join TOPIC") },
  stats: { usage: "/stats", help: "counters", run: stats },
  help: { usage: "/help", help: "this list", run: help },
  quit: { usage: "/quit", help: "say goodbye and end; so do Ctrl-C and Ctrl-D", run: ({ quit }) => quit() }
};
function command(line, terminal2) {
  const [, name, rest] = /^\/(\S*)\s*(.*)$/s.exec(line);
  const found = Object.hasOwn(COMMANDS, name.toLowerCase()) && COMMANDS[name.toLowerCase()];
  if (found) return found.run(terminal2, rest.trimEnd());
  const near = nearest(name.toLowerCase());
  terminal2.complain(`There is no /${name}. ${near.length > 0 ? `Did you mean ${near.join(" or ")}?` : "See /help."} To send text that begins with a slash, type two.`);
}
function complete(line, addresses) {
  const [, typed] = /^\/to\s+(\S*)$/i.exec(line) ?? [];
  if (typed !== void 0) return [addresses.matching(typed).map((address) => `${address} `), typed];
  if (!/^\/\w*$/.test(line)) return [[], line];
  const hits = Object.keys(COMMANDS).map((name) => `/${name}`).filter((name) => name.startsWith(line.toLowerCase()));
  return [hits.map((name) => COMMANDS[name.slice(1)].usage.includes(" ") ? `${name} ` : name), line];
}
function valueOf(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
function to(terminal2, rest) {
  const [, prefix, text] = /^(\S+)\s+(.+)$/s.exec(rest) ?? [];
  if (!prefix) return terminal2.complain(`Like this: ${COMMANDS.to.usage}`);
  const { easypeers, addresses } = terminal2;
  if (/^[0-9a-f]{40}$/i.test(prefix)) return terminal2.send(valueOf(text), prefix.toLowerCase());
  const found = addresses.matching(prefix);
  if (found.length === 1) return terminal2.send(valueOf(text), found[0]);
  if (found.length > 1) return terminal2.complain(`${prefix} may be ${some(found, (address) => addresses.short(address), "or")}: type more digits.`);
  if (easypeers.address.startsWith(prefix.toLowerCase())) return terminal2.complain(`${prefix} is you.`);
  terminal2.complain(`Nobody known here has an address that begins with ${prefix}. /peers shows who is known; a whole address reaches others, too.`);
}
function peers({ easypeers, addresses, print }) {
  const { wires } = easypeers;
  const known = [...easypeers.peers].sort();
  if (known.length === 0) return print("Nobody else is here yet.");
  print([
    `${count(known.length, "peer")} known, ${count(easypeers.wireCount, "neighbor")}:`,
    ...known.map((address) => {
      const wire = Object.hasOwn(wires, address) ? wires[address] : void 0;
      const about = wire && ["neighbor", milliseconds(wire.rtt)].filter(Boolean).join(", ");
      return `  ${addresses.short(address).padEnd(8)}  ${address}${about ? `  ${about}` : ""}`;
    }),
    `You are ${easypeers.address}.`
  ].join("\n"));
}
function stats({ easypeers, print }) {
  const { links, dropped, ...counters } = easypeers.stats();
  const rows = Object.entries({ neighbors: Object.keys(links).length, ...counters });
  const causes = Object.entries(dropped).map(([cause, times]) => `${cause} (${times})`);
  print([
    ...rows.map(([name, number]) => `  ${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).padEnd(12)} ${number.toLocaleString("en").padStart(12)}`),
    ...causes.length > 0 ? [`  dropped: ${causes.join(", ")}`] : []
  ].join("\n"));
}
function help({ print }) {
  const rows = Object.values(COMMANDS).map(({ usage, help: help2 }) => `  ${usage.padEnd(18)} ${help2}`);
  print(["What you type goes to everyone; a JSON object or array arrives as that value.", ...rows].join("\n"));
}
function nearest(word) {
  const near = Object.keys(COMMANDS).map((name) => ({ name, far: name.startsWith(word) && word ? 0 : distance(word, name) })).filter(({ name, far }) => far <= 2 && far < name.length);
  const best = Math.min(...near.map(({ far }) => far));
  return near.filter(({ far }) => far === best).map(({ name }) => `/${name}`);
}
function distance(from, to2) {
  let row = Array.from({ length: to2.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to2.length; j++) next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (from[i] === to2[j] ? 0 : 1)));
    row = next;
  }
  return row[to2.length];
}
function some(list, name, word) {
  const shown = list.slice(0, 5).map(name);
  if (list.length > shown.length) return `${shown.join(", ")} ${word} ${list.length - shown.length} more`;
  return `${shown.slice(0, -1).join(", ")} ${word} ${shown.at(-1)}`;
}

// src/node/terminal.mjs
var PROMPT = "> ";
var MOST_LINES = 40;
var COLORS = [31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96];
async function terminal(easypeers, { topic, invitation: invitation2, streams }) {
  const { stdin, stdout } = streams;
  const addresses = new Addresses(easypeers);
  const lines = createInterface3({
    input: stdin,
    output: stdout,
    terminal: true,
    prompt: PROMPT,
    completer: (line) => complete(line, addresses)
  });
  const { bold, dim, red, colored } = styles(stdout);
  const { signal, ignore } = untilSignal();
  let open = true;
  const print = (text) => {
    if (!open) return void stdout.write(`${text}
`);
    moveCursor(stdout, 0, -lines.getCursorPos().rows);
    cursorTo(stdout, 0);
    clearScreenDown(stdout);
    stdout.write(`${text}
`);
    lines.prevRows = 0;
    lines.prompt(true);
  };
  const note = (text) => print(dim(text));
  const complain = (text) => print(red(text));
  const who = (address) => colored(addresses.short(address), address);
  const send = (value, to2) => {
    let delivery;
    try {
      delivery = to2 ? easypeers.send(to2, value) : easypeers.send(value);
    } catch (error) {
      return complain(`Not sent: ${error.message}`);
    }
    if (easypeers.wireCount === 0) note("Held until somebody is here.");
    delivery.then(
      ({ hops, rtt }) => to2 && note(`${clock()} ${addresses.short(to2)} has it: ${milliseconds(rtt)}, ${count(hops, "hop")}`),
      (error) => complain(`${clock()} Not delivered${to2 ? ` to ${addresses.short(to2)}` : ""}: ${error.message}`)
    );
  };
  let moving = false;
  let alone = false;
  const welcome = (named) => {
    alone = false;
    print(`Swarm ${bold(visible(named))}. You are ${who(easypeers.address)}.
${dim(`Others join with: ${visible(invitation2(named))}`)}`);
  };
  const join2 = (named) => {
    moving = true;
    easypeers.identifier = identifierOf(named);
    addresses.forget();
    moving = false;
    welcome(named);
  };
  const self = { easypeers, addresses, print, complain, send, join: join2, quit: () => lines.close() };
  lines.on("line", (line) => {
    if (/^\/(?!\/)/.test(line)) command(line, self);
    else if (line.trim()) send(valueOf(line.replace(/^\/\//, "/")));
    if (open) lines.prompt();
  });
  easypeers.on("message", ({ message, from, to: to2, verified }) => {
    addresses.heard(from);
    const marks = [to2 && "to you", verified ? "" : "unverified"].filter(Boolean).join(", ");
    const head = `${dim(clock())} ${who(from)}${marks ? dim(` (${marks})`) : ""}`;
    print(`${head} ${paragraphs(textOf(message))}`);
  });
  easypeers.on("connect", (address) => note(`${clock()} ${addresses.short(address)} is a neighbor now`));
  easypeers.on("disconnect", (address) => {
    if (!open || moving) return;
    note(`${clock()} ${addresses.short(address)} is a neighbor no more${easypeers.wireCount === 0 ? ": nobody is left" : ""}`);
  });
  const warned = /* @__PURE__ */ new Set(["ERR_ALL_TRACKERS_BLOCKED"]);
  easypeers.on("warning", ({ code, message }) => {
    if (warned.has(code)) return;
    warned.add(code);
    note(`Warning: ${visible(message)}`);
  });
  easypeers.on("error", (error) => complain(visible(error.message)));
  watchTrackers(easypeers, note);
  easypeers.on("tracker", ({ state, peers: peers2 }) => {
    if (alone || state !== "ready" || peers2 > 1 || easypeers.wireCount > 0) return;
    alone = true;
    note("Nobody else is here yet.");
  });
  welcome(topic);
  note("What you type goes to everyone. /help lists the commands, Ctrl-C ends.");
  let gone = false;
  lines.on("error", () => {
    gone = true;
  });
  stdout.on("error", () => lines.close());
  const closed = new Promise((resolve) => lines.on("close", () => {
    open = false;
    resolve();
  }));
  const name = await Promise.race([signal, closed]);
  lines.close();
  ignore();
  stdout.write("\n");
  await leave(easypeers);
  return gone ? HUNG_UP : codeAfter(name, streams);
}
function paragraphs(text) {
  const all = shortened(text).split(/\r?\n/).map(visible);
  const shown = all.slice(0, MOST_LINES);
  if (all.length > shown.length) shown.push(`… (${all.length} lines)`);
  return shown.join("\n        │ ");
}
function identifierOf(topic) {
  return createHash("sha1").update(`easypeers-${topic}`).digest("hex");
}
function clock() {
  return (/* @__PURE__ */ new Date()).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
function styles(stdout) {
  const style = (begin, end) => (text) => stdout.hasColors() ? `\x1B[${begin}m${text}\x1B[${end}m` : text;
  const color = (address) => COLORS[parseInt(address.slice(0, 2), 16) % COLORS.length];
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39), colored: (text, address) => style(color(address), 39)(text) };
}

// src/node/cli.mjs
var EXIT = { DONE: 0, FAILED: 1, USAGE: 2, NO_WEBRTC: 3 };
var HELP = `Usage: easypeers [topic] [options]

Joins the swarm of a topic: peers in browsers, in Node and at terminals that name the same one.

At a terminal, what you type goes to everyone, and /help lists the commands. Without a topic
it makes one up, and says how others join.
In a pipe, each line in is a message, and each message is a line out. When the input ends, it
waits until what was read has been delivered, and ends.

Options:
  --tracker URL      use this tracker, and not the public ones; may be repeated. With none but
                     trackers on this machine, no STUN server is asked either
  --identity FILE    keep the address: the file is made on first use, and is a secret
  --secret           private swarm: ask for its secret. EASYPEERS_SECRET in the environment
                     holds it where nobody can be asked
  --max-peers N      most connections, 2 to 64 (6)
  --json             one JSON object a line for every event. Lines in may be objects, too:
                     {"to": "ADDRESS", "message": ...}; without "to" it is for everyone
  --timeout SECONDS  in a pipe: how long to wait for anybody once the input has ended (10)
  --keep             an always-on member: no prompt, reads nothing, logs a few lines
  -h, --help         this text
  -v, --version      the version

Exit codes:
  0  done
  1  a message was not delivered, or nobody came in time
  2  called wrongly
  3  there is no WebRTC: npm install node-datachannel

SIGINT, SIGTERM and SIGHUP say goodbye to the swarm and end it.
`;
async function run(Easypeers2, argv, { version, stay = false, streams = process } = {}) {
  const { stdin, stdout, stderr } = streams;
  const warn = (text) => stderr.write(`easypeers: ${text}
`);
  try {
    const options = parse(argv);
    if (options.help) return say(stdout, HELP);
    if (options.version) return say(stdout, `${version}
`);
    const atTerminal = Boolean(stdin.isTTY && stdout.isTTY) && !options.keep && !options.json;
    if (options.topic === void 0 && !atTerminal) throw new UsageError("a topic is needed: easypeers TOPIC");
    const { topic = randomBytes(8).toString("hex") } = options;
    const settings = await peerOptions(options, Easypeers2, { streams, warn });
    const easypeers = join(Easypeers2, topic, settings);
    const { json, timeout } = options;
    if (options.keep) return await keep(easypeers, { topic, json, streams });
    if (atTerminal) return await terminal(easypeers, { topic, invitation: invitation(options), streams });
    return await piped(easypeers, { topic, json, timeout, stay, streams });
  } catch (error) {
    if (error instanceof UsageError) {
      warn(`${error.message}
Try easypeers --help`);
      return EXIT.USAGE;
    }
    if (error.code !== "ERR_NO_WEBRTC") throw error;
    warn(`${error.message}
With npx: npx -p easypeers -p node-datachannel easypeers`);
    return EXIT.NO_WEBRTC;
  }
}
function parse(argv) {
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        tracker: { type: "string", multiple: true, default: [] },
        identity: { type: "string" },
        secret: { type: "boolean", default: false },
        "max-peers": { type: "string" },
        json: { type: "boolean", default: false },
        timeout: { type: "string", default: "10" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        version: { type: "boolean", short: "v", default: false }
      }
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) throw new UsageError(`one topic, not ${positionals.length}: put quotes around a topic of several words`);
  checkMaxPeers(values["max-peers"]);
  values.tracker.forEach(checkTracker);
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds < 1e6)) throw new UsageError(`--timeout takes a number of seconds, not ${values.timeout}`);
  return { ...values, topic: positionals[0], timeout: seconds * 1e3 };
}
function checkMaxPeers(number) {
  if (number !== void 0 && !/^([2-9]|[1-5]\d|6[0-4])$/.test(number)) throw new UsageError(`--max-peers takes a number from 2 to 64, not ${number}`);
}
function checkTracker(url) {
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) throw new UsageError(`--tracker takes a URL like wss://tracker.example, not ${url}`);
}
async function peerOptions({ tracker, identity, secret, "max-peers": maxPeers }, Easypeers2, { streams, warn }) {
  const options = {};
  if (tracker.length > 0) options.tracker = tracker;
  if (tracker.length > 0 && tracker.every(isHere)) options.rtcConfig = { iceServers: [] };
  if (maxPeers !== void 0) options.maxPeers = Number(maxPeers);
  if (identity !== void 0) options.identity = await identityIn(identity, Easypeers2, warn);
  if (process.env.EASYPEERS_SECRET) options.secret = process.env.EASYPEERS_SECRET;
  else if (secret) options.secret = await askSecret(streams);
  return options;
}
function join(Easypeers2, topic, settings) {
  try {
    return new Easypeers2(topic, settings);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
function invitation({ tracker, secret }) {
  const isPrivate = secret || Boolean(process.env.EASYPEERS_SECRET);
  const options = [...tracker.flatMap((url) => ["--tracker", quoted(url)]), ...isPrivate ? ["--secret"] : []];
  return (topic) => ["npx easypeers", quoted(topic), ...options].join(" ");
}
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
function say(stdout, text) {
  stdout.write(text);
  return EXIT.DONE;
}

// src/node/npm-parent.mjs
import { spawnSync } from "node:child_process";
var LOOK_EVERY = 500;
var NPM = /(^|[/ ])np[mx](-cli\.js)?( |$)/;
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const above = npmAbove(parent);
  if (above.length === 0) return;
  const timer = setInterval(() => {
    if (process.ppid === parent && above.every(isAlive)) return;
    clearInterval(timer);
    if (!process.emit("SIGTERM", "SIGTERM")) process.exit(0);
  }, LOOK_EVERY);
  timer.unref();
}
function npmAbove(parent) {
  const { above, command: command2 } = look(parent);
  if (NPM.test(command2)) return [parent];
  return NPM.test(look(above).command) ? [parent, above] : [];
}
function look(pid) {
  const { stdout } = spawnSync("ps", ["-o", "ppid=,args=", "-p", `${pid}`], { encoding: "utf8" });
  const [, above, command2] = /^\s*(\d+)\s+(.*)/.exec(stdout ?? "") ?? [];
  return { above: Number(above), command: command2 ?? "" };
}
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch ({ code }) {
    return code !== "ESRCH";
  }
}

// scripts/entry/cli.mjs
endWithNpm();
run(Easypeers, process.argv.slice(2), { version: "1.0.0" }).catch((error) => {
  console.error(error.stack);
  return 1;
}).then(finish);
