// What the page does: it picks and sorts the table's rows, and tells an experiment's story from the packed data.
//
// What models, servers and data sets wrote becomes text nodes alone, never markup: `make` is the only maker of elements.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const table = at("rows").querySelector("table"), body = table.tBodies[0], story = at("story");
  const files = [...body.rows].filter((row) => row.classList.contains("file")), rows = [...body.rows].filter((row) => !files.includes(row));
  const places = new Map(rows.flatMap((row) => links_in(row).map((link) => [id_of(link), { row, link }])));
  const title = document.title;
  let state = new URLSearchParams(), opened = [], problem_shown = true, picked_here = "";

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat(9).filter((child) => child !== undefined && child !== ""));
    return made;
  }

  function button(words, act, attributes) {
    return make("button", { type: "button", click: act, ...attributes }, words);
  }

  function links_in(row) {
    return [...row.getElementsByTagName("a")];
  }

  function id_of(link) {
    return link.getAttribute("href").slice(1);
  }

  function place_of(link) {
    const cell = link.closest("td");
    return [cell.cellIndex, [...cell.getElementsByTagName("a")].indexOf(link)];
  }

  function arm_of(link) {
    const said = link.getAttribute("aria-label")?.split(":")[0];
    return table.tHead.rows[0].cells[link.closest("td").cellIndex].textContent + (said ? `, ${said}` : "");
  }

  // The address says what is shown: #exp_1a2b3c4d or #exp_1a2b3c4d+exp_5e6f7a8b a story, all else the table's state.

  function read_address() {
    const hash = location.hash.slice(1);
    const ids = hash.split("+").filter((id) => places.has(id)).slice(0, 2);
    if (ids.length) open_story(ids);
    else show_table(new URLSearchParams(hash));
    if (!ids.length && hash.startsWith("exp_")) at("shown").textContent = `${hash.slice(0, 40)} is not on this page`;
  }

  // The table.

  function show_table(wanted) {
    state = wanted;
    sort_rows();
    pick_rows();
    if (document.activeElement !== at("search")) at("search").value = state.get("q") ?? "";
    at("sets").value = state.get("set") ?? "";
    at("files").value = state.get("file") ?? "";
    for (const each of at("marks").children) each.setAttribute("aria-pressed", String(marks().includes(each.value)));
    const left = opened[0] && places.get(opened[0]);
    opened = [];
    story.hidden = true;
    at("table").hidden = false;
    document.title = title;
    if (!left && [...state.keys()].length && location.hash !== picked_here) at("tools").scrollIntoView();
    if (left) {
      left.row.scrollIntoView({ block: "center" });
      left.link.focus();
    }
  }

  function marks() {
    return (state.get("show") ?? "").split(",").filter(Boolean);
  }

  function said_in(row) {
    row.said ??= [row.textContent, row.dataset.file ?? "", ...links_in(row).map((link) => `${link.title} ${link.ariaLabel ?? ""} ${id_of(link)}`)].join(" ").toLowerCase();
    return row.said;
  }

  function pick_rows() {
    const wanted = marks(), set = state.get("set"), file = state.get("file"), words = (state.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const is = row.dataset.is?.split(" ") ?? [];
      row.hidden = !(
        wanted.every((mark) => is.includes(mark)) &&
        (!set || row.dataset.set === set) &&
        (!file || row.dataset.file === file) &&
        words.every((word) => said_in(row).includes(word))
      );
      shown += !row.hidden;
    }
    const left = new Set(rows.filter((row) => !row.hidden).map((row) => row.dataset.file));
    for (const head of files) head.hidden = !by_file() || !left.has(head.dataset.file);
    at("shown").textContent = shown === rows.length ? `${shown} shown` : `${shown} of ${rows.length} shown `;
    if (!shown && rows.length) at("shown").append(make("a", { href: "#" }, "show all"));
  }

  function sort_rows() {
    const column = Number(state.get("sort") ?? 0), sign = state.has("down") ? -1 : 1;
    const keys = new Map(rows.map((row, place) => [row, column ? Number(row.cells[column]?.dataset.k ?? 0) : place]));
    const sorted = [...rows].sort((one, other) => sign * (keys.get(one) - keys.get(other)));
    const all = by_file() ? under_files(sorted) : [...sorted, ...files];
    if (all.some((row, place) => row !== body.rows[place])) body.replaceChildren(...all);
    for (const head of table.tHead.rows[0].cells) {
      if (head.cellIndex === column) head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  // Rows stand beneath their files as long as they are in their first order.
  function by_file() {
    return !Number(state.get("sort") ?? 0) && !state.has("down");
  }

  function under_files(sorted) {
    const left = new Map(files.map((head) => [head.dataset.file, head]));
    return sorted.flatMap((row) => {
      const head = left.get(row.dataset.file);
      left.delete(row.dataset.file);
      return head ? [head, row] : [row];
    });
  }

  function change(changes) {
    const wanted = new URLSearchParams(state);
    for (const [key, value] of Object.entries(changes)) {
      if (value) wanted.set(key, value);
      else wanted.delete(key);
    }
    picked_here = "#" + wanted;
    location.replace(picked_here);
  }

  function sort_by(column) {
    const again = Number(state.get("sort") ?? 0) === column;
    change({ sort: column ? String(column) : "", down: again && !state.has("down") ? "1" : "" });
  }

  function toggle_mark(mark) {
    const now = marks();
    change({ show: (now.includes(mark) ? now.filter((each) => each !== mark) : [...now, mark]).join(",") });
  }

  function shown_rows() {
    return [...body.rows].filter((row) => !row.hidden && !files.includes(row));
  }

  // To another row's link in the same column, or as near to it as there is one.
  function beside(link, step) {
    const all = shown_rows(), [column, epoch] = place_of(link);
    const row = all[all.indexOf(link.closest("tr")) + step];
    if (row === undefined) return undefined;
    const cell = row.cells[column].getElementsByTagName("a");
    return cell[Math.min(epoch, cell.length - 1)] ?? links_in(row)[0];
  }

  // The packed data: each part holds some problems with all their stories, and each text once.

  const parts = new Map();

  function part_of(number) {
    if (!parts.has(number)) parts.set(number, unpacked(at(`part-${number}`).textContent));
    return parts.get(number);
  }

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  // Text, as it is: what cannot be seen by its number, code in colours, changes line by line.

  const UNSEEN = /((?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}])/u;
  const WORDS =
    "False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|" +
    "import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield|match|case";
  const PYTHON = new RegExp(
    [
      "(#[^\\n]*)",
      "([rbuf]{0,2}(?:\"\"\"[^]*?(?:\"\"\"|$)|'''[^]*?(?:'''|$)|\"(?:\\\\.|[^\"\\\\\\n])*\"?|'(?:\\\\.|[^'\\\\\\n])*'?))",
      "\\b(\\d[\\w.]*)",
      "(?<=\\b(?:def|class)\\s+)(\\w+)",
      `\\b(${WORDS})\\b`,
    ].join("|"),
    "gi",
  );
  const KINDS = ["o", "s", "n", "d", "w"];
  const CONTEXT = 3, MOST_COMPARED = 4_000_000;

  function seen(text) {
    return text.split(UNSEEN).map((piece, turn) => (turn % 2 ? make("span", { class: "unseen" }, number_of(piece)) : piece));
  }

  function number_of(letter) {
    return "U+" + letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  }

  // Lines of pieces, each with the letter of its kind.
  function lines_of(source) {
    const lines = [[]];
    const put = (kind, text) =>
      text.split("\n").forEach((piece, turn) => {
        if (turn) lines.push([]);
        if (piece) lines.at(-1).push([kind, piece]);
      });
    let end = 0;
    for (const found of source.matchAll(PYTHON)) {
      put("", source.slice(end, found.index));
      put(KINDS[found.slice(1).findIndex((group) => group !== undefined)], found[0]);
      end = found.index + found[0].length;
    }
    put("", source.slice(end));
    return lines;
  }

  function line_element(pieces, number, kind) {
    const children = pieces.map(([each, text]) => (each ? make("span", { class: each }, seen(text)) : seen(text)));
    return make("span", { class: kind || undefined, "data-n": number }, children.length ? children : make("br"));
  }

  function code(source) {
    return make("pre", { class: "code" }, lines_of(source).map((pieces, place) => line_element(pieces, place + 1)));
  }

  // The longest common subsequence of lines, as [place before, place after] with undefined for what is not there.
  function pairs_of(before, after) {
    let head = 0, tail = 0;
    while (head < before.length && head < after.length && before[head] === after[head]) head++;
    const most = Math.min(before.length, after.length) - head;
    while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
    const height = before.length - head - tail, width = after.length - head - tail, pairs = [];
    for (let place = 0; place < head; place++) pairs.push([place, place]);
    const best = height * width > MOST_COMPARED ? undefined : lengths(before, after, head, height, width);
    let down = 0, right = 0;
    while (down < height || right < width) {
      if (best && down < height && right < width && before[head + down] === after[head + right]) pairs.push([head + down++, head + right++]);
      else if (down < height && (right === width || !best || best[down + 1][right] >= best[down][right + 1])) pairs.push([head + down++, undefined]);
      else pairs.push([undefined, head + right++]);
    }
    for (let place = tail; place > 0; place--) pairs.push([before.length - place, after.length - place]);
    return pairs;
  }

  function lengths(before, after, head, height, width) {
    const best = Array.from({ length: height + 1 }, () => new Uint32Array(width + 1));
    for (let down = height - 1; down >= 0; down--)
      for (let right = width - 1; right >= 0; right--)
        best[down][right] =
          before[head + down] === after[head + right] ? best[down + 1][right + 1] + 1 : Math.max(best[down + 1][right], best[down][right + 1]);
    return best;
  }

  function changes(before, after) {
    const was = lines_of(before), is = lines_of(after), pairs = pairs_of(before.split("\n"), after.split("\n"));
    const changed = pairs.map(([old, now]) => old === undefined || now === undefined);
    const near = (place) => changed.slice(Math.max(0, place - CONTEXT), place + CONTEXT + 1).some(Boolean);
    const made = make("pre", { class: "code" });
    let left_out = 0;
    pairs.forEach(([old, now], place) => {
      if (!near(place)) left_out++;
      if (left_out && (near(place) || place === pairs.length - 1)) {
        made.append(make("span", { class: "muted" }, `… ${counted(left_out, "line")} the same`));
        left_out = 0;
      }
      if (!near(place)) return;
      if (now === undefined) made.append(line_element(was[old], old + 1, "minus"));
      else made.append(line_element(is[now], now + 1, old === undefined ? "plus" : undefined));
    });
    return made;
  }

  function counted(number, word) {
    return `${number} ${word}${number === 1 ? "" : "s"}`;
  }

  function block(shown, text) {
    return make("div", { class: "block" }, shown, copier(text));
  }

  function copier(text) {
    return button("copy", async (event) => {
      const pressed = event.currentTarget;
      const done = await copied(text);
      pressed.textContent = done ? "copied" : "could not copy";
      setTimeout(() => (pressed.textContent = "copy"), 1500);
    });
  }

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = make("textarea", { "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  function fold(words, fill, attributes) {
    const made = make("details", attributes, make("summary", {}, words)), inside = make("div");
    const filled = () => {
      if (made.open && !inside.hasChildNodes()) inside.append(...[fill()].flat(9).filter(Boolean));
    };
    made.append(inside);
    made.addEventListener("toggle", filled);
    filled();
    return made;
  }

  // A story, put together from a part: a number is one of the part's texts, which stands as [text, letters cut off].

  class Teller {
    constructor(part) {
      this.part = part;
    }

    text(said) {
      return typeof said === "number" ? this.part.texts[said][0] : said;
    }

    rest(said) {
      const more = typeof said === "number" ? this.part.texts[said][1] : 0;
      return more ? make("p", { class: "invalid" }, `${more.toLocaleString("en")} more characters were cut off here`) : undefined;
    }

    prose(said) {
      return [block(make("pre", {}, seen(this.text(said))), this.text(said)), this.rest(said)];
    }

    source(said) {
      return [block(code(this.text(said)), this.text(said)), this.rest(said)];
    }

    problem(problem) {
      return problem.map(([words, said], place) => fold(words, () => this.source(said), { open: place === 0 }));
    }

    column(one) {
      const steps = one.steps.map((step, place) => this.step(one, step, place === one.steps.length - 1 || one.steps.length < 3));
      return make(
        "section",
        { "aria-label": one.arm },
        make("h2", {}, one.mark, one.arm),
        make("p", { class: one.status }, one.mark, seen(one.ending)),
        make("p", { class: "muted" }, one.circumstances),
        steps,
        fold([one.mark, "costs: ", one.cost], () => costs(one), { class: "step" }),
      );
    }

    step(one, step, open) {
      const words = [one.mark, seen(step.title)];
      return fold(words, () => this.inside(one, step), { class: `step ${step.kind}`, open });
    }

    inside(one, step) {
      return [
        step.flags?.map((flag) => make("p", { class: "invalid" }, "flagged: it tells ", seen(flag))),
        step.text === undefined ? undefined : this.prose(step.text),
        step.kind === "iteration" ? this.iteration(one, step) : undefined,
        step.asked && this.asked(step.asked),
      ];
    }

    iteration(one, step) {
      const best = step.candidates[step.best], others = step.candidates.length - 1;
      return [
        this.candidate(best, this.before(one, step)),
        this.verdict(best),
        best.accepted ? undefined : this.told(step),
        step.question !== undefined && [make("p", {}, "It asked its reviewer:"), this.prose(step.question)],
        others ? step.candidates.map((each, place) => place !== step.best && this.other(each, place, best)) : undefined,
      ];
    }

    other(each, place, best) {
      const by = each.writer === undefined ? "" : ` by ${each.writer}`;
      return fold(seen(`candidate ${place + 1}${by}: ${each.verdict}`), () => [this.candidate(each, best.source), this.verdict(each)]);
    }

    before(one, step) {
      const earlier = one.steps.slice(0, one.steps.indexOf(step)).filter((each) => each.kind === "iteration");
      return earlier.map((each) => each.candidates[each.best].source).filter((source) => source !== null).at(-1);
    }

    candidate({ source }, earlier) {
      if (source === null) return make("p", { class: "muted" }, "The reply held no code.");
      if (earlier === undefined) return this.source(source);
      const shown = make("div");
      const views = { changes: () => changes(this.text(earlier), this.text(source)), whole: () => code(this.text(source)) };
      const show = (name) => {
        shown.replaceChildren(views[name]());
        for (const each of choices) each.setAttribute("aria-pressed", String(each.textContent === name));
      };
      const choices = Object.keys(views).map((name) => button(name, () => show(name)));
      show(this.text(earlier) === this.text(source) ? "whole" : "changes");
      return [make("div", { class: "tools" }, choices, copier(this.text(source))), shown, this.rest(source)];
    }

    verdict(candidate) {
      return [
        make("p", { class: candidate.accepted ? "solved" : "unsolved" }, candidate.verdict),
        candidate.failure === undefined ? undefined : this.prose(candidate.failure),
        ...["stdout", "stderr"].map((name) => candidate[name] !== undefined && fold(name, () => this.prose(candidate[name]))),
      ];
    }

    told(step) {
      if (step.told === undefined) return make("p", { class: "muted" }, "The model was told nothing of it.");
      return [make("p", {}, "The model was told:"), make("pre", {}, seen(this.text(step.told))), this.rest(step.told)];
    }

    // A field stands in lines of its own, so that the line break after it is there already.
    field(said, behind_field) {
      if (typeof said === "number") return make("span", { class: "field" }, seen(this.text(said)));
      return seen(behind_field ? said.replace(/^\n/, "") : said);
    }

    asked({ system, user, note }) {
      const whole = user.map((said) => this.text(said)).join("");
      const pieces = user.map((said, place) => this.field(said, typeof user[place - 1] === "number"));
      return fold(`what it was asked (${(whole.length + this.text(system).length).toLocaleString("en")} characters)`, () => [
        note && make("p", { class: "muted" }, note),
        block(make("pre", {}, seen(this.text(system)), "\n\n", pieces), `${this.text(system)}\n\n${whole}`),
        user.map((said) => this.rest(said)),
      ]);
    }
  }

  const COSTS = ["role", "model", "calls", "tokens in", "tokens out", "dollars", "seconds"];

  function costs({ arm, spendings }) {
    const line = (tag, cells) => make("tr", {}, cells.map((cell) => make(tag, tag === "th" ? { scope: "col" } : {}, seen(cell))));
    const made = make("table", {}, make("thead", {}, line("th", COSTS)), make("tbody", {}, spendings.map((row) => line("td", row))));
    return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `costs of ${arm}` }, made);
  }

  // The story's own page.

  async function open_story(ids) {
    opened = ids;
    const { row } = places.get(ids[0]);
    let part;
    try {
      part = await part_of(Number(row.dataset.part));
    } catch (fault) {
      part = fault;
    }
    if (opened !== ids) return; // Something else was asked for in the meantime.
    const problem = row.cells[0].textContent;
    story.replaceChildren(header(ids, row, problem), ...(part instanceof Error ? failed(ids, part) : told(ids, part)));
    at("table").hidden = true;
    story.hidden = false;
    document.title = `${problem}: ${title}`;
    scrollTo(0, 0);
    story.querySelector("h1").focus({ preventScroll: true });
  }

  function failed(ids, fault) {
    const words = `This browser cannot unpack the stories (${fault.message}); it takes one of 2023 or later. In a terminal:`;
    return [make("p", {}, words), make("pre", {}, ids.map((id) => `pytest --koderz-analyze ${id}\n`))];
  }

  function told(ids, part) {
    const teller = new Teller(part), ones = ids.map((id) => part.stories[id]);
    const problem = part.problems[ones[0].problem];
    const about = problem.length
      ? fold("problem and tests", () => teller.problem(problem), { open: problem_shown, class: "step" })
      : make("p", { class: "muted" }, "The problem's text was not at hand when this page was written.");
    about.addEventListener("toggle", () => (problem_shown = about.open));
    const columns = make("div", { class: ones.length > 1 ? "columns two" : "columns" }, ones.map((one) => teller.column(one)));
    return [about, ones.length > 1 ? last_compared(teller, ones) : "", columns].filter(Boolean);
  }

  function last_compared(teller, ones) {
    const [left, right] = ones.map((one) => one.steps.filter((step) => step.kind === "iteration").at(-1));
    const [before, after] = [left, right].map((step) => step && step.candidates[step.best].source);
    if (typeof before !== "number" || typeof after !== "number") return "";
    const words = `from ${ones[0].arm}'s last candidate to ${ones[1].arm}'s`;
    return fold(words, () => changes(teller.text(before), teller.text(after)), { class: "step" });
  }

  function header(ids, row, problem) {
    const links = links_in(row), other = ids[1];
    const arms = links.map((link) => {
      const id = id_of(link), current = id === ids[0] ? "page" : undefined;
      const words = `${arm_of(link)} ${(link.getAttribute("aria-label") ?? link.textContent).split(": ").at(-1)}`;
      return make("li", {}, make("a", { href: `#${id}`, class: link.className, "aria-current": current }, words));
    });
    const choice = make("select", { change: (event) => go([ids[0], event.target.value]) }, make("option", { value: "" }, "no other"));
    for (const link of links.filter((each) => id_of(each) !== ids[0]))
      choice.append(make("option", { value: id_of(link), selected: id_of(link) === other }, arm_of(link)));
    return make(
      "header",
      {},
      make(
        "div",
        { class: "tools" },
        make("a", { href: "#" + state }, "all problems"),
        button("previous", () => walk(-1)),
        button("next", () => walk(1)),
        links.length > 1 ? make("label", {}, "beside it ", choice) : "",
        button("unfold all", unfold),
        button("keys", () => at("help").showModal()),
      ),
      make("h1", { tabindex: "-1" }, problem),
      make("ul", { class: "arms" }, arms),
    );
  }

  function go(ids) {
    location.hash = ids.filter(Boolean).join("+");
  }

  function walk(step) {
    const next = beside(places.get(opened[0]).link, step);
    if (next === undefined) return;
    const second = opened[1] && beside(places.get(opened[1]).link, step);
    go([id_of(next), second && second !== next ? id_of(second) : ""]);
  }

  function turn(step) {
    const all = links_in(places.get(opened[0]).row).map(id_of);
    go([all[(all.indexOf(opened[0]) + step + all.length) % all.length]]);
  }

  function side_by_side() {
    const all = links_in(places.get(opened[0]).row).map(id_of).filter((id) => id !== opened[0]);
    go([opened[0], all[all.indexOf(opened[1]) + 1]]);
  }

  function unfold() {
    const all = [...story.querySelectorAll(".step")], closed = all.some((each) => !each.open);
    for (const each of all) each.open = closed;
  }

  // Keys, the same as the buttons.

  const STORY_KEYS = {
    n: () => walk(1),
    p: () => walk(-1),
    "]": () => turn(1),
    "[": () => turn(-1),
    s: side_by_side,
    a: unfold,
    Escape: () => (location.hash = state),
  };
  const TABLE_KEYS = {
    "/": () => at("search").focus(),
    j: () => focus_row(1),
    k: () => focus_row(-1),
    ArrowDown: () => focus_row(1, true),
    ArrowUp: () => focus_row(-1, true),
    ArrowRight: () => focus_column(1),
    ArrowLeft: () => focus_column(-1),
  };

  function focused() {
    const one = document.activeElement;
    return one?.tagName === "A" && body.contains(one) ? one : undefined;
  }

  function focus_row(step, started) {
    const one = focused();
    if (one === undefined && started) return false;
    const next = one === undefined ? links_in(shown_rows().at(0) ?? body)[0] : beside(one, step);
    next?.focus();
    return next !== undefined;
  }

  function focus_column(step) {
    const one = focused(), all = one && links_in(one.closest("tr"));
    return all === undefined ? false : (all[all.indexOf(one) + step]?.focus(), true);
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = event.key === "?" ? () => at("help").showModal() : (opened.length ? STORY_KEYS : TABLE_KEYS)[event.key];
    if (act && act() !== false) event.preventDefault();
  }

  const PRINTED = 120;

  function choose_printed() {
    document.body.classList.remove("unpicked");
    for (const row of rows) row.classList.remove("unprinted");
    for (const row of shown_rows().slice(PRINTED)) row.classList.add("unprinted");
  }

  function begin() {
    for (const head of table.tHead.rows[0].cells) {
      const column = head.cellIndex;
      const sorter = button("", () => sort_by(column));
      sorter.replaceChildren(...head.childNodes);
      head.append(sorter);
    }
    for (const each of at("marks").children) each.addEventListener("click", () => toggle_mark(each.value));
    at("search").addEventListener("input", (event) => change({ q: event.target.value.trim() }));
    at("sets").addEventListener("change", (event) => change({ set: event.target.value }));
    at("files").addEventListener("change", (event) => change({ file: event.target.value }));
    at("help").querySelector("button").addEventListener("click", () => at("help").close());
    at("keys").addEventListener("click", () => at("help").showModal());
    at("tools").hidden = false;
    addEventListener("hashchange", read_address);
    addEventListener("beforeprint", choose_printed);
    addEventListener("keydown", press);
    read_address();
  }

  begin();
})();
