// A stand-in that has the losses of the recorded claude-cortex 2.0.0, for tests: node lossy_server.mjs --db FILE
//
// MCP over stdio by hand; FILE is a log of lines of JSON, shared by several processes. It refuses titles and queries as
// FTS5 would, cuts contents and tags, forgets short-term memories, drops what it takes for similar, guesses type, category
// and scope, and does not end with stdin. FILE.faults may hold {"drop_every": N}: every Nth memory is acknowledged only.
// FILE.environment gets the names of its environment.

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";

const CATEGORIES = ["architecture", "pattern", "preference", "error", "context", "learning", "todo", "note", "relationship", "custom"];
const TYPES = ["short_term", "long_term", "episodic"];
const CAPS = { short_term: 250, long_term: 5000 };
const LENGTH = 10_240, TAGS = 10;
const GLOBAL = ["learning", "pattern", "preference"];
const REFUSED = /[!#$%';<=>?@[\\\]`~]/;

const place = process.argv.indexOf("--db");
const database = place > 0 ? process.argv[place + 1] : join(homedir(), ".claude-cortex", "memories.db");
if (place < 0) mkdirSync(join(homedir(), ".claude-cortex"), { recursive: true });
const faults = existsSync(`${database}.faults`) ? JSON.parse(readFileSync(`${database}.faults`, "utf8")) : {};
writeFileSync(`${database}.environment`, Object.keys(process.env).join("\n"));
let project = process.env.CLAUDE_MEMORY_PROJECT || basename(process.cwd());

// the log

const rows = new Map();
let read = 0, last = 0, sessions = 0;

function catchUp() {
  const size = existsSync(database) ? statSync(database).size : 0;
  if (size === read) return;
  const whole = readFileSync(database);
  for (const line of whole.subarray(read).toString("utf8").split("\n").filter(Boolean)) {
    const { put, gone, session } = JSON.parse(line);
    if (put) rows.set(put.id, put), (last = Math.max(last, put.id));
    if (gone) rows.delete(gone);
    if (session) sessions = session;
  }
  read = whole.length;
}

function write(change) {
  appendFileSync(database, JSON.stringify(change) + "\n");
  catchUp();
}

function alone(work) {
  const lock = `${database}.lock`;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      // One that a killed process left behind is passed over.
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > 2000) break;
    }
  }
  try {
    catchUp();
    return work();
  } finally {
    try { rmdirSync(lock); } catch { /* somebody passed over it */ }
  }
}

// the tools

const SCHEMAS = {
  remember: { title: "string!", content: "string!", category: CATEGORIES, type: TYPES, tags: "array", metadata: "object" },
  recall: { limit: "number<=50" },
  end_session: { sessionId: "number!" },
  get_memory: { id: "number!" },
};

function issuesOf(tool, given) {
  const found = [];
  for (const [name, rule] of Object.entries(SCHEMAS[tool] ?? {})) {
    const value = given[name], path = [name];
    if (Array.isArray(rule)) {
      if (value !== undefined && !rule.includes(value)) {
        const options = rule.map((each) => `'${each}'`).join(" | ");
        const message = `Invalid enum value. Expected ${options}, received '${value}'`;
        found.push({ received: value, code: "invalid_enum_value", options: rule, path, message });
      }
      continue;
    }
    const expected = rule.match(/^\w+/)[0], received = Array.isArray(value) ? "array" : typeof value;
    if (value === undefined ? rule.endsWith("!") : received !== expected) {
      const message = value === undefined ? "Required" : `Expected ${expected}, received ${received}`;
      found.push({ code: "invalid_type", expected, received, path, message });
    } else if (rule.includes("<=") && value > 50) {
      const message = "Number must be less than or equal to 50";
      found.push({ code: "too_big", maximum: 50, type: "number", inclusive: true, exact: false, message, path });
    }
  }
  return found;
}

function call(tool, given) {
  if (!(tool in TOOLS)) return [`MCP error -32602: Tool ${tool} not found`, true];
  const issues = issuesOf(tool, given);
  if (issues.length) {
    const listed = JSON.stringify(issues, null, 2);
    return [`MCP error -32602: Input validation error: Invalid arguments for tool ${tool}: ${listed}`, true];
  }
  return [alone(() => TOOLS[tool](given)), false];
}

const TOOLS = {
  remember(given) {
    const sign = given.title.match(REFUSED);
    if (sign) return `Failed to remember: Error: fts5: syntax error near "${sign[0]}"`;
    if ("transferable" in given) return "Failed to remember: Error: SQLite3 can only bind numbers, strings, bigints, buffers, and null";
    const salience = { low: 0.3, normal: 0.5, high: 0.8, critical: 1 }[given.importance] ?? 0.25;
    const category = given.category ?? "note", tags = given.tags ?? [];
    const like = similar(given, category, tags);
    if (like) return remembered(like, "Updated existing similar memory");
    const cut = given.content.length > LENGTH;
    const moment = new Date().toISOString().slice(0, 19).replace("T", " ");
    const row = {
      id: last + 1,
      type: given.type ?? (salience >= 0.6 ? "long_term" : "short_term"),
      category,
      title: given.title,
      content: cut ? given.content.slice(0, LENGTH) + "\n\n[Content truncated - exceeded 10KB limit]" : given.content,
      project: scopeOf(given),
      tags: JSON.stringify(tags.slice(0, TAGS)),
      salience,
      decayed_score: null,
      access_count: 0,
      last_accessed: moment,
      created_at: moment,
      metadata: JSON.stringify(given.metadata ?? {}),
      scope: given.scope ?? (GLOBAL.includes(category) ? "global" : "project"),
      transferable: given.scope === "global" ? 1 : 0,
      embedding: null,
      embedding_model: null,
    };
    write({ put: row });
    if (faults.drop_every && row.id % faults.drop_every === 0) write({ gone: row.id });
    for (const [type, most] of Object.entries(CAPS)) forget(of({ type }).slice(most));
    const size = (given.content.length / 1024).toFixed(1);
    const warning = `\n  WARNING: Content truncated from ${size}KB to 10.0KB (10KB limit)\n` +
      "  Consider splitting large memories into smaller, focused pieces.";
    return remembered(row, "general note") + (cut ? warning : "");
  },

  recall(given) {
    const sign = (given.query ?? "").match(REFUSED);
    if (sign) return `Failed to recall: Error: fts5: syntax error near "${sign[0]}"`;
    const recent = given.mode === "recent";
    const which = recent ? { project: scopeOf(given) } : { ...given, project: scopeOf(given), global: true };
    const found = (recent ? latest(of(which)) : of(which)).slice(0, given.limit ?? 10);
    if (!found.length) return "No memories found matching your query.";
    return `Found ${found.length} ${found.length === 1 ? "memory" : "memories"}:\n${found.map(shown).join("\n\n")}`;
  },

  get_memory: ({ id }) => (rows.has(id) ? shown(rows.get(id)) :
    `Error: Memory with ID ${id} not found\n\nSuggestion: Use "recall" to search for existing memories, or check if ` +
    "the memory was deleted by consolidation."),

  get_context(given) {
    const scope = scopeOf(given), found = { project: scope, global: true };
    const relevant = given.query && !REFUSED.test(given.query) ? of({ ...found, query: given.query, from: 0.4 }).slice(0, 5) : [];
    const summary = {
      project: scope,
      recentMemories: latest(of({ project: scope })).slice(0, 10).map(plain),
      keyDecisions: of({ ...found, category: "architecture", from: 0.6 }).slice(0, 5).map(plain),
      activePatterns: of({ ...found, category: "pattern", from: 0.5 }).slice(0, 5).map(plain),
      pendingItems: of({ ...found, category: "todo" }).slice(0, 10).map(plain),
    };
    return JSON.stringify({ summary, relevantMemories: relevant.map(plain) }, null, 2);
  },

  memory_stats(given) {
    const all = of({ project: scopeOf(given) }), count = (type) => all.filter((row) => row.type === type).length;
    const average = all.reduce((sum, row) => sum + row.salience, 0) / (all.length || 1);
    const categories = [...new Set(all.map((row) => row.category))].sort();
    return [
      `## Memory Statistics\n\nTotal memories: ${all.length}\n  - Short-term: ${count("short_term")}`,
      `  - Long-term: ${count("long_term")}\n  - Episodic: ${count("episodic")}\n`,
      `Average salience: ${(100 * average).toFixed(1)}%\n\n### By Category`,
      ...categories.map((name) => `  - ${name}: ${all.filter((row) => row.category === name).length}`),
    ].join("\n");
  },

  export_memories(given) {
    const all = of({ project: scopeOf(given) }).sort((a, b) => a.id - b.id);
    return `Exported ${all.length} memories:\n\n${JSON.stringify(all, null, 2)}`;
  },

  get_project: () => `**Current Project:** ${project}\n**Detection Source:** env\n**Scope:** Scoped - queries filtered to "${project}"`,

  start_session(given) {
    write({ session: sessions + 1 });
    return `Session ${sessions} started.\n\n## Project: ${scopeOf(given)}\n`;
  },

  end_session() {
    const faded = of({ type: "short_term" }).filter((row) => row.salience < 0.3);
    forget(faded);
    return `Session ended. Consolidation: 0 promoted, 0 decayed, ${faded.length} deleted.`;
  },
};

const scopeOf = (given) => (given.project === "*" ? null : given.project ?? project);

function similar(given, category, tags) {
  if (!["high", "critical"].includes(given.importance)) return undefined;
  const same = [...rows.values()].filter((row) => row.title === given.title);
  const words = new Set(tokens(given.title)), about = new Set([category, ...tags].flatMap(tokens));
  const alike = words.size === about.size && [...words].every((word) => about.has(word));
  return same.length > 1 && alike ? same[0] : undefined;
}

function of({ type, project, global, category, tags, query, from }) {
  const phrases = (query ?? "").split(/\s+/).map(tokens).filter((phrase) => phrase.length);
  return [...rows.values()].filter((row) =>
    (!type || row.type === type) && (!category || row.category === category) && (!from || row.salience >= from) &&
    (project == null || row.project === project || (global && row.scope === "global")) &&
    (!tags || JSON.parse(row.tags).some((tag) => tags.includes(tag))) &&
    phrases.every((phrase) => [row.title, row.content, row.tags].some((part) => holds(tokens(part), phrase)))
  ).sort((a, b) => b.salience - a.salience || b.last_accessed.localeCompare(a.last_accessed) || a.id - b.id);
}

const latest = (found) => found.sort((a, b) => b.last_accessed.localeCompare(a.last_accessed) || a.id - b.id);
const tokens = (part) => part.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const holds = (words, phrase) => words.some((_, at) => phrase.every((word, next) => words[at + next] === word));
const forget = (found) => found.forEach((row) => write({ gone: row.id }));
const percent = (share) => `${(100 * share).toFixed(0)}%`;

function remembered(row, reason) {
  return `Remembered: "${row.title}"\n  ID: ${row.id}\n  Type: ${row.type}\n  Category: ${row.category}\n` +
    `  Salience: ${percent(row.salience)}\n  Reason: ${reason}`;
}

function shown({ id }) {
  const row = { ...rows.get(id) };
  row.salience = Math.min(1, row.salience + 0.2 * 0.9 ** row.access_count);
  row.access_count += 1;
  write({ put: row });
  const tags = JSON.parse(row.tags), more = row.content.length > 200 ? "..." : "";
  return `[${id}] **${row.title}**\n    ${row.content.slice(0, 200)}${more}\n    Type: ${row.type} | Category: ${row.category}\n` +
    `    Salience: ${percent(row.salience)} | Accessed: ${row.access_count}x\n    Last access: just now` +
    (tags.length ? `\n    Tags: ${tags.join(", ")}` : "") + (row.project ? `\n    Project: ${row.project}` : "");
}

function plain(row) {
  const { id, type, category, title, content, project, salience, scope } = row;
  const moment = (when) => `${when.replace(" ", "T")}.000Z`;
  return {
    id, type, category, title, content, project, tags: JSON.parse(row.tags), salience,
    accessCount: row.access_count, lastAccessed: moment(row.last_accessed), createdAt: moment(row.created_at),
    decayedScore: salience, metadata: JSON.parse(row.metadata), scope, transferable: Boolean(row.transferable),
  };
}

// the protocol

const answers = {
  initialize: () => ({
    protocolVersion: "2025-11-25",
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: "claude-cortex", version: "2.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({ tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema: { type: "object" } })) }),
  "tools/call": ({ name, arguments: given }) => {
    const [said, isError] = call(name, given ?? {});
    return { content: [{ type: "text", text: said }], isError };
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const error = { code: -32601, message: "Method not found" };
  const answer = method in answers ? { result: answers[method](params ?? {}) } : { error };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...answer }) + "\n");
});
setInterval(() => {}, 60_000); // the end of stdin does not end it
