"use strict";
// One page, three views: the overview, the network's function, and one kernel at a time. The text
// of a function is unpacked when it is shown first. Views are named by the address's fragment.

const summary = JSON.parse(document.getElementById("summary").textContent);
const packed = JSON.parse(document.getElementById("functions").textContent);
const main = document.getElementById("main");
const search = document.getElementById("search");
const kernels = new Map(summary.kernels.map((kernel) => [kernel.name, kernel]));
const nodeNumber = new Map(summary.nodes.map((node, i) => [node.name, i]));
const unpacked = new Map();
let stepBy = () => {};
let shown = 0;

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

async function unpack(name) {
  if (!unpacked.has(name)) {
    const bytes = Uint8Array.from(atob(packed[name]), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(name, JSON.parse(await new Response(stream).text()));
  }
  return unpacked.get(name);
}

const decimal = (number, digits = 1) => number.toLocaleString("en", { maximumFractionDigits: digits });
const ms3 = (number) => `${number.toFixed(3)} ms`;
const bytes = (n) => n === null ? "–" : n < 2 ** 20 ? `${decimal(n / 1024)} KiB` : `${decimal(n / 2 ** 20)} MiB`;
const flops = (n) => n === null ? "–" : `${decimal(n / 1e6, 2)} MFLOP`;
const color = (i) => `hsl(${(i * 137.5) % 360} 60% 55%)`;
const callsOf = (name) => summary.calls.filter((call) => call.kernel === name);

function milliseconds(name) {
  const times = callsOf(name).map((call) => call.ms);
  return times.length && times.every((t) => t !== null) ? times.reduce((a, b) => a + b, 0) : null;
}

function chip(name) {
  const i = nodeNumber.get(name);
  const operator = i === undefined ? "an input" : summary.nodes[i].operator;
  return el("span", { class: "chip mono", title: operator, style: i === undefined ? "" : `--node: ${color(i)}` }, name);
}

// The list of kernels

function listKernels() {
  const wanted = search.value.trim().toLowerCase();
  const list = document.getElementById("kernels");
  list.replaceChildren();
  for (const kernel of summary.kernels) {
    const calls = callsOf(kernel.name);
    const nodes = [...new Set([...calls.flatMap((call) => call.nodes), ...kernel.nodes])];
    const found = nodes.filter((node) => node.toLowerCase().includes(wanted));
    if (wanted && !found.length && !kernel.name.toLowerCase().includes(wanted)) continue;
    const ms = milliseconds(kernel.name);
    const figure = ms === null ? flops(kernel.flops) : ms3(ms);
    const names = (wanted && found.length ? found : nodes).join(", ");
    list.append(el("li", {}, el("a", { href: `#kernel/${kernel.name}` },
      el("span", { class: "row" }, el("span", {}, kernel.name), el("span", { class: "number" }, figure)),
      el("small", { title: names }, (calls.length > 1 ? `${calls.length} calls · ` : "") + names))));
  }
  document.querySelector(".none").hidden = list.children.length > 0;
  markCurrent();
}

function markCurrent() {
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === (location.hash || "#overview");
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    if (here) link.scrollIntoView({ block: "nearest" });
  }
}

// The overview

function overview() {
  const timed = summary.calls.length > 0 && summary.calls.every((call) => call.ms !== null);
  const memory = summary.memory;
  const stats = [["nodes", summary.nodes.length], ["kernels", summary.kernels.length], ["kernel calls", summary.calls.length]];
  if (timed) stats.push(["ms, kernels one by one", decimal(summary.calls.reduce((sum, c) => sum + c.ms, 0), 2)]);
  if (memory.arena_bytes) stats.push(["memory", bytes(memory.arena_bytes)], ["without reuse", bytes(memory.buffer_bytes)]);
  main.append(el("h2", {}, "Overview"), el("dl", { class: "stats" },
    ...stats.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value))))));
  chart(timed);
  if (memory.arena_bytes) plan();
  if (summary.fusion.length) main.append(el("h3", {}, "Fusion"), el("p", { class: "note" },
    "For each result that an operator reads: whether both are in one kernel, and why."), reasons(summary.fusion));
  nodeTable();
}

function chart(timed) {
  const value = (kernel) => timed ? milliseconds(kernel.name) : kernel.flops * callsOf(kernel.name).length;
  const rows = summary.kernels.filter((kernel) => value(kernel)).sort((a, b) => value(b) - value(a));
  if (!rows.length) return;
  const most = value(rows[0]);
  const bars = rows.flatMap((kernel) => [
    el("a", { href: `#kernel/${kernel.name}` }, kernel.name),
    el("div", { class: "bar", style: `width: ${100 * value(kernel) / most}%`, "aria-hidden": "true" }),
    el("span", { class: "number" }, timed ? ms3(value(kernel)) : flops(value(kernel)))]);
  main.append(el("h3", {}, timed ? "Time of each kernel, all its calls" : "Arithmetic of each kernel, all its calls"),
    el("div", { class: "chart" }, ...bars));
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function plan() {
  const buffers = summary.memory.buffers.filter((b) => b.offset !== null && !b.symbols.length);
  const picture = svg("svg", { class: "plan", role: "group", "aria-label": "Memory plan" });
  main.append(el("h3", {}, "Memory plan"), el("p", { class: "note" },
    "Calls from left to right, bytes of the arena from bottom to top. Each rectangle is a buffer between kernels."), picture);
  const draw = () => {
    const width = picture.clientWidth || 800, height = 320, left = 64, bottom = 26, top = 12;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("height", height);
    const x = (call) => left + (width - left - 12) * call / Math.max(1, summary.calls.length);
    const y = (offset) => height - bottom - (height - bottom - top) * offset / Math.max(1, summary.memory.arena_bytes);
    picture.replaceChildren();
    for (let i = 0; i <= 4; i++) {
      const offset = summary.memory.arena_bytes * i / 4;
      picture.append(svg("line", { x1: left, x2: width - 12, y1: y(offset), y2: y(offset) }),
        svg("text", { x: left - 8, y: y(offset) + 4, "text-anchor": "end" }, bytes(offset)));
    }
    const every = Math.ceil(summary.calls.length / Math.max(2, Math.floor(width / 90)));
    for (let i = 0; i < summary.calls.length; i += every)
      picture.append(svg("text", { x: x(i), y: height - 8 }, i ? String(i) : "call 0"));
    buffers.forEach((buffer, i) => {
      const told = `${buffer.name}: ${bytes(buffer.size)} at ${decimal(buffer.offset, 0)}, calls ${buffer.first} to ${buffer.last}` +
        (buffer.stays ? ", keeps its place for its halo" : "");
      picture.append(svg("rect", { class: "buffer", tabindex: 0, role: "img", "aria-label": told, x: x(buffer.first),
        width: Math.max(2, x(buffer.last + 1) - x(buffer.first)), y: y(buffer.offset + buffer.size),
        height: Math.max(1, y(buffer.offset) - y(buffer.offset + buffer.size)), fill: color(i), "fill-opacity": .75 },
        svg("title", {}, told)));
    });
  };
  new ResizeObserver(draw).observe(picture);
  draw();
}

function reasons(edges) {
  const join = (names, other) => names.join("+") || other;
  return el("ul", { class: "reasons", tabindex: 0, "aria-label": "Fusion decisions" }, ...edges.map((edge) => el("li", {},
    el("span", { "aria-hidden": "true" }, edge.joined ? "+" : "–"),
    el("span", {}, el("strong", {}, join(edge.reader, "an op")), edge.joined ? " joins " : " is not joined with ",
      el("strong", {}, join(edge.producer, "an op")), `: ${edge.reason}`))));
}

function nodeTable() {
  const rows = summary.nodes.map((node) => {
    const where = [...new Set(node.calls.map((call) => summary.calls[call].kernel))];
    const links = where.flatMap((name, i) => [i ? ", " : "", el("a", { href: `#kernel/${name}` }, name)]);
    return el("tr", {}, el("td", {}, chip(node.name)), el("td", {}, node.operator),
      el("td", {}, ...links, node.story.length ? `${links.length ? "; " : ""}${node.story.join("; ")}` : ""));
  });
  main.append(el("h3", {}, "Nodes of the model"), el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Nodes" },
    el("table", {}, el("thead", {}, el("tr", {}, ...["node", "operator", "what became of it"].map((t) => el("th", { scope: "col" }, t)))),
      el("tbody", {}, ...rows))));
}

// Code

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

function colored(text) {
  const cut = /^\s*func\./.test(text) ? -1 : text.lastIndexOf(" : ");
  const [code, type] = cut < 0 ? [text, ""] : [text.slice(0, cut), text.slice(cut)];
  const body = escaped(code).replace(/\b(?:loop|te|graph|arith|math|func|memref)\.\w+/g, "<b>$&</b>")
    .replace(/%[\w#]+/g, "<u>$&</u>");
  return body + (type ? `<i>${escaped(type)}</i>` : "");
}

const brief = (step) => step.replace(/\{\w+="?([^"\s}]*).*\}$/, " $1");

function code(data, version, { why, marks, label, plain }) {
  const lines = version.lines.map(([text, ...nodes], i) => {
    const line = el("div", { class: "line", "data-nodes": nodes.join(" ") });
    if (nodes.length) line.style.setProperty("--node", color(nodes[0]));
    if (marks) {
      const isNew = marks.has(i);
      if (isNew) line.classList.add("new");
      line.append(el("span", { class: "mark" }, isNew ? "+" : ""));
    } else if (!why) line.append(el("span", { class: "mark" }));
    if (why) line.append(el("span", { class: "why", title: why[i] }, i && why[i] === why[i - 1] ? "" : brief(why[i])));
    const span = el("span");
    if (plain) span.textContent = data.texts[text];
    else span.innerHTML = colored(data.texts[text]) || " ";
    line.append(span);
    return line;
  });
  return el("div", { class: "code", tabindex: 0, role: "region", "aria-label": label }, el("div", {}, ...lines));
}

function pane(title, remark, body) {
  return el("section", { class: "pane" }, el("h4", {}, title, " ", el("span", {}, remark)), body);
}

function levels(data) {
  const last = (level) => data.versions.findLast((version) => version.level === level);
  const loops = data.versions.filter((version) => version.level === "loop");
  const panes = [];
  if (last("graph")) panes.push(pane("graph", last("graph").step, code(data, last("graph"), { label: "graph" })));
  if (last("te")) panes.push(pane("te", last("te").step, code(data, last("te"), { label: "tensor expressions" })));
  if (loops.length > 1) panes.push(pane("loops as lowered", loops[0].step, code(data, loops[0], { label: "loops as lowered" })));
  if (loops.length) {
    const why = data.blame && data.blame.map((step) => data.steps[step]);
    panes.push(pane("loops as compiled", why ? "each line with the step that made it" : "", code(data, loops.at(-1), { why, label: "loops as compiled" })));
  }
  if (data.pseudo?.length)
    panes.push(pane("listing", "the loops as compiled, as papers print them", code(data, { lines: data.pseudo }, { label: "listing", plain: true })));
  const row = el("div", { class: "levels" }, ...panes);
  const light = (event) => {
    const line = event.type === "pointerleave" ? null : event.target.closest(".line");
    const nodes = new Set(line ? line.dataset.nodes.split(" ").filter(Boolean) : []);
    for (const other of row.querySelectorAll(".line"))
      other.classList.toggle("hit", other.dataset.nodes.split(" ").some((node) => nodes.has(node)));
  };
  const bring = (event) => {
    const mine = event.target.closest(".code");
    for (const other of row.querySelectorAll(".code")) {
      const hit = other !== mine && other.querySelector(".hit");
      if (hit) other.scrollTop = hit.offsetTop - other.offsetTop - 40;
    }
  };
  row.addEventListener("click", bring);
  row.addEventListener("pointerover", light);
  row.addEventListener("pointerleave", light);
  return row;
}

function stepper(data) {
  const place = el("div", { class: "pane" });
  const told = el("output", { class: "mono" });
  const range = el("input", { type: "range", min: 0, max: data.versions.length - 1, value: 0, "aria-label": "Step" });
  const show = (number) => {
    const at = Math.max(0, Math.min(data.versions.length - 1, number));
    const version = data.versions[at], count = version.changed.length;
    range.value = at;
    range.setAttribute("aria-valuetext", version.step);
    told.textContent = `${at + 1} of ${data.versions.length} · ${version.level} · ${version.step}` +
      (count ? ` · ${count} line${count > 1 ? "s" : ""} changed` : "");
    const held = place.querySelector(".code")?.scrollTop ?? 0;
    place.replaceChildren(code(data, version, { marks: new Set(version.changed), label: "text after the step" }));
    const pane = place.firstChild, first = place.querySelector(".new");
    pane.scrollTop = held;
    if (first && (first.offsetTop < held + pane.offsetTop || first.offsetTop > held + pane.offsetTop + pane.clientHeight - 40))
      pane.scrollTop = first.offsetTop - pane.offsetTop - 40;
  };
  range.addEventListener("input", () => show(Number(range.value)));
  stepBy = (by) => show(Number(range.value) + by);
  show(0);
  const button = (text, by, label) => el("button", { type: "button", "aria-label": label, onclick: () => stepBy(by) }, text);
  return [el("div", { class: "stepper" }, button("←", -1, "Step before"), range, button("→", 1, "Next step"), told), place];
}

function layouts(data) {
  if (!data.layouts.length) return [];
  return [el("p", { class: "layouts mono", tabindex: 0 }, data.layouts.map(([alias, text]) => `${alias} = ${text}`).join("\n"))];
}

function collapsed(title, text) {
  const box = el("details", {}, el("summary", {}, `${title}, ${decimal(text.split("\n").length, 0)} lines`));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length < 2) box.append(el("pre", { tabindex: 0 }, text));
  });
  return box;
}

// A kernel, and the network

function kernelFacts(kernel) {
  const calls = callsOf(kernel.name), ms = milliseconds(kernel.name);
  const facts = [["nodes", el("span", {}, ...(calls[0] ?? kernel).nodes.map(chip))]];
  if (calls.length > 1) facts.push(["also for", calls.slice(1).map((call) => call.nodes.join(", ")).join(" · ")]);
  facts.push(["one call", `${flops(kernel.flops)}, ${bytes(kernel.bytes)} of buffers`]);
  if (ms !== null) facts.push(["time", `${calls.map((call) => call.ms.toFixed(3)).join(" + ")} ms`]);
  facts.push(["result", kernel.layout || "–"], ["schedule", kernel.summary]);
  return el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function argumentTable(kernel) {
  const rows = kernel.arguments.map((a) => el("tr", {}, el("td", { class: "mono" }, a.name), el("td", {}, a.kind),
    el("td", {}, a.layout), el("td", { class: "mono type" }, a.type)));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Buffers" }, el("table", {},
    el("thead", {}, el("tr", {}, ...["buffer", "", "layout", "type"].map((t) => el("th", { scope: "col" }, t)))), el("tbody", {}, ...rows)));
}

async function kernelView(name) {
  const kernel = kernels.get(name), mine = ++shown;
  const data = await unpack(name);
  if (mine !== shown) return;
  const nodes = new Set([...callsOf(name).flatMap((call) => call.nodes), ...kernel.nodes]);
  const edges = summary.fusion.filter((edge) => [...edge.producer, ...edge.reader].some((node) => nodes.has(node)));
  main.append(el("h2", { class: "mono" }, name), kernelFacts(kernel),
    el("h3", {}, "Levels"), el("p", { class: "note" }, "Point at a line to see what the same node is at the other levels; click to bring it into view."),
    levels(data), ...layouts(data));
  if (data.llvm) main.append(collapsed("LLVM IR", data.llvm), collapsed("Assembly", data.assembly));
  main.append(el("h3", {}, "Step by step"), ...stepper(data), el("h3", {}, "Buffers"), argumentTable(kernel));
  if (edges.length) main.append(el("h3", {}, "Fusion"), reasons(edges));
  if (kernel.schedule) main.append(el("h3", {}, "Schedule"), el("p", { class: "layouts mono", tabindex: 0 }, kernel.schedule.replaceAll("},", "},\n")));
}

async function networkView() {
  const mine = ++shown;
  if (!(" network" in packed)) return void main.append(el("h2", {}, "Network"), el("p", {}, "These are kernels, no network calls them."));
  const data = await unpack(" network");
  if (mine !== shown) return;
  main.append(el("h2", {}, "Network"), el("p", { class: "note" }, "The function that calls the kernels, after each pass."), ...stepper(data), ...layouts(data));
}

async function route() {
  const [view, name] = decodeURIComponent(location.hash.slice(1)).split("/");
  stepBy = () => {};
  shown++;
  main.replaceChildren();
  delete document.body.dataset.ready;
  markCurrent();
  if (view === "kernel" && kernels.has(name)) await kernelView(name);
  else if (view === "network") await networkView();
  else overview();
  window.scrollTo(0, 0);
  document.body.dataset.ready = location.hash || "#overview";
}

// Theme and keys

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

function toggleTheme() {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

function goTo(by) {
  const links = [...document.querySelectorAll("nav a")];
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  links[Math.max(0, Math.min(links.length - 1, here + by))]?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === search) {
    if (event.key === "Escape") { search.value = ""; listKernels(); search.blur(); }
    if (event.key === "Enter") document.querySelector("#kernels a")?.click();
    return;
  }
  const actions = { "/": () => search.focus(), j: () => goTo(1), k: () => goTo(-1), t: toggleTheme };
  if (event.target.type !== "range" && !event.target.closest(".code")) {
    actions.ArrowLeft = () => stepBy(-1);
    actions.ArrowRight = () => stepBy(1);
  }
  if (event.key in actions) { event.preventDefault(); actions[event.key](); }
});

document.querySelector("h1").textContent = summary.model;
document.querySelector(".target").textContent = summary.target;
document.querySelector(".target").title = summary.target;
document.getElementById("theme").addEventListener("click", toggleTheme);
const preferred = matchMedia("(prefers-color-scheme: dark)");
preferred.addEventListener("change", () => setTheme(preferred.matches ? "dark" : "light"));
setTheme(preferred.matches ? "dark" : "light");
search.addEventListener("input", listKernels);
addEventListener("hashchange", route);
listKernels();
route();
