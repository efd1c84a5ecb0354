"use strict";
// Shows one step or another of what is written in the element "data". What is counted here is which steps come
// before the one that is shown; every value was written by the run.

const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const views = [...document.querySelectorAll("#graph > .view")];
const last = data.steps.length;
const state = { step: 0, view: data.shown, grads: true, zoom: 1, looked: null, found: [], timer: 0 };

// What follows from the steps: when each node runs, when a gradient passes along each edge, what has arrived when.
const runs = new Map(), passes = new Map(), arrivals = data.nodes.map(() => []);
const sources = data.nodes.map(() => []), targets = data.nodes.map(() => []);
data.edges.forEach(([from, to]) => { sources[to].push(from); targets[from].push(to); });
data.steps.forEach((step, index) => {
  runs.set(step.node, index + 1);
  for (const [edge, value, added, sum] of step.sent || []) {
    passes.set(edge, index + 1);
    arrivals[data.edges[edge][0]].push([index + 1, sum, value, added]);
  }
});
data.edges.forEach(([from, to], edge) => { // backward begins at the node of the output
  const first = data.steps[0];
  if (data.nodes[to].kind !== "output" || !first || first.node !== from) return;
  passes.set(edge, 1);
  for (const each of [from, to]) arrivals[each].push([1, first.arrived?.[0]]);
});

const text = (number) => (number === undefined ? "" : data.texts[number]);
const long = (number) => (number == null ? "nothing" : data.values[number][1]);
const title = (node) => (node.called === node.name ? node.name : `${node.name} ${node.called}`);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// ---------------------------------------------------------------------------------------------- the graph

function progress(number) { // of one node: its state, and how many gradients are there of how many
  const arrived = arrivals[number].filter(([step]) => step <= state.step).length, turn = runs.get(number);
  const told = turn === undefined ? "still" : turn < state.step ? "done" : turn === state.step ? "running" : "waiting";
  return { told, arrived, all: arrivals[number].length };
}

function gradient(number) { // the number of the value that is there now
  const there = arrivals[number].filter(([step]) => step <= state.step);
  const step = data.steps[runs.get(number) - 1];
  if (step && step.after !== undefined && runs.get(number) <= state.step) return step.after;
  return there.length ? there[there.length - 1][1] : undefined;
}

function dots(arrived, all) {
  return all > 6 ? `${arrived}/${all}` : "●".repeat(arrived) + "○".repeat(all - arrived);
}

const marks = { waiting: "", running: "▶ runs ", done: "✓ ", still: "" };

function look(box) { // what a box shows now: its class, value, state and label
  if (box.length > 1 || box.length === 0) {
    const each = box.filter((number) => runs.has(number));
    const done = each.filter((number) => runs.get(number) < state.step).length;
    const runs_now = each.some((number) => runs.get(number) === state.step);
    const told = runs_now ? "running" : each.length && done === each.length ? "done" : done ? "begun" : "waiting";
    const now = runs_now ? data.nodes[data.steps[state.step - 1].node] : null;
    const counted = `${marks[told] || ""}${done}/${each.length}`;
    return [told, now ? title(now).slice(0, 20) : "", counted, `${done} of ${each.length} nodes done`];
  }
  const number = box[0], node = data.nodes[number], { told, arrived, all } = progress(number);
  const grads = state.grads && node.kind !== "constant", value = grads ? gradient(number) : node.value;
  const shown = value === undefined ? "" : `${grads ? "grad " : ""}${data.values[value][0]}`;
  const count = all ? `, ${arrived} of ${all} gradient${all === 1 ? "" : "s"} arrived` : "";
  const label = `${title(node)}, ${text(node.shape)}${count}${told === "still" ? "" : `, ${told}`}`;
  return [told, shown, marks[told] + dots(arrived, all), label];
}

function prepare(shown, index) { // the elements of a view, found once, and where they stand in the picture
  const boxes = [...shown.querySelectorAll(".box")].map((group) => {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(group.querySelector(".body").getAttribute(name)));
    return { group, place: [x, y, x + width, y + height], base: group.getAttribute("class"), nodes: data.views[index].boxes[group.dataset.box],
      value: group.querySelector(".value"), state: group.querySelector(".state"), words: group.textContent.toLowerCase() };
  });
  const arrows = [...shown.querySelectorAll(".arrow")].map((group) => {
    const ends = group.querySelector("path").getAttribute("d").match(/[-\d.]+/g).map(Number);
    const [xs, ys] = [0, 1].map((odd) => ends.filter((_, each) => each % 2 === odd));
    return { group, place: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], base: group.getAttribute("class"),
      edges: data.views[index].arrows[group.dataset.arrow] };
  });
  const boxOf = new Map();
  for (const box of boxes) for (const number of box.nodes) if (!boxOf.has(number)) boxOf.set(number, box);
  return { svg: shown.querySelector("svg"), boxes, boxOf, parts: [...boxes, ...arrows] };
}

const prepared = new Map();
function view() {
  if (!prepared.has(state.view)) prepared.set(state.view, prepare(views[state.view], state.view));
  return prepared.get(state.view);
}

function change(part, key, set) { // touch the page only where something is another
  if (part.was !== key) { part.was = key; set(); }
}

function drawBox(box) {
  const [told, value, counted, label] = look(box.nodes), looked = view().boxOf.get(shownNode()) === box;
  const differs = data.beside && box.nodes.includes(data.beside.first);
  const extra = (differs ? " differs" : "") + (state.found.includes(box) ? " found" : "");
  change(box, [told, value, counted, extra, looked].join("|"), () => {
    box.group.setAttribute("class", `${box.base} ${told}${extra}`);
    box.group.setAttribute("aria-label", label);
    box.group.setAttribute("tabindex", looked ? "0" : "-1");
    if (box.value) box.value.textContent = value;
    if (box.state) box.state.textContent = counted;
  });
}

function drawArrow(arrow) {
  const when = arrow.edges.map((edge) => passes.get(edge) ?? Infinity);
  const told = when.includes(state.step) ? " passing" : Math.min(...when) < state.step ? " passed" : "";
  change(arrow, told, () => arrow.group.setAttribute("class", arrow.base + told));
}

const MANY = 600; // boxes and arrows that are drawn at once; of more, those in sight first, the others as soon as there is time
let rest = 0;
function drawGraph() {
  const { svg, parts } = view(), matrix = svg.getScreenCTM(), seen = find("graph").getBoundingClientRect();
  const drawPart = (part) => (part.nodes ? drawBox(part) : drawArrow(part));
  const near = ({ place: [left, top, right, bottom] }) => parts.length <= MANY || (
    matrix.a * right + matrix.e > seen.left && matrix.a * left + matrix.e < seen.right &&
    matrix.d * bottom + matrix.f > seen.top && matrix.d * top + matrix.f < seen.bottom);
  const far = [];
  for (const part of parts) if (near(part)) drawPart(part); else far.push(part);
  const goOn = () => {
    for (const part of far.splice(0, MANY)) drawPart(part);
    if (far.length) rest = setTimeout(goOn);
  };
  clearTimeout(rest);
  if (far.length) rest = setTimeout(goOn, 30);
}

function shownNode() { // the node that the panel is about
  return state.looked ?? (state.step ? data.steps[state.step - 1].node : undefined);
}

function bringIntoSight() {
  const begin = last ? data.steps[0].node : 0, box = view().boxOf.get(shownNode() ?? begin), graph = find("graph");
  if (!box) return;
  const there = box.group.getBoundingClientRect(), seen = graph.getBoundingClientRect();
  if (there.top < seen.top || there.bottom > seen.bottom) graph.scrollTop += (there.top + there.bottom - seen.top - seen.bottom) / 2;
  if (there.left < seen.left || there.right > seen.right) graph.scrollLeft += (there.left + there.right - seen.left - seen.right) / 2;
}

// ---------------------------------------------------------------------------------------------- the panel

function rows(heading, pairs) {
  if (!pairs.length) return [];
  const list = element("dl", {}, ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  return [element("h3", {}, heading), list];
}

function listing(lines, first, marked, numbers = new Map()) { // source with line numbers, without what all are indented by
  const list = element("div", { className: "lines" }), depth = (line) => (line.trim() ? line.search(/\S/) : Infinity);
  const begin = Math.min(...lines.map(depth));
  lines.forEach((line, index) => {
    const number = first + index, mark = number === marked ? " now" : numbers.has(number) ? " ran" : "";
    const place = (part, more) => { // a line that goes on is indented
      const wide = (line.trim() ? depth(line) - begin : 0) + more;
      part.style.paddingLeft = `calc(${wide}ch + .4em)`;
      part.style.textIndent = part.className === "numbers" ? "-2ch" : `-${wide}ch`;
      return part;
    };
    const name = number === marked ? element("b", {}, `▶ ${number}`) : String(number);
    list.append(element("span", { className: `number${mark}` }, name), place(element("span", { className: `code${mark}` }, line.slice(begin)), 4));
    if (numbers.get(number)) list.append(place(element("span", { className: "numbers" }, `→ ${numbers.get(number)}`), 2));
  });
  return element("pre", {}, list);
}

function ruleOf(step, node) {
  const rule = data.rules[node.name];
  if (node.name === "AccumulateGrad") return [];
  if (!rule) return [element("h3", {}, "Rule"), element("p", {}, data.engine === "PyTorch" ? "PyTorch's rules are compiled: there is no source to show." : "Its source was not found.")];
  const lines = rule.lines.slice(rule.begin - 1, rule.end);
  const ran = step && step.ran ? step.ran : [], numbers = new Map(ran.map(([line, told]) => [line, text(told)]));
  const now = ran.length ? ran[ran.length - 1][0] : undefined;
  const unknown = step && !ran.length ? element("p", {}, "Which lines ran is not known: a debugger, or coverage, was looking on.") : null;
  const rest = element("details", {}, element("summary", {}, "The whole rule"), listing(rule.lines, 1, undefined));
  return [element("h3", {}, "Rule"), listing(lines, rule.begin, now, numbers), ...(unknown ? [unknown] : []), rest];
}

function lineOf(node) {
  if (node.kind !== "operation") return [];
  if (!node.line) return [element("h3", {}, "Your line"), element("p", {}, "It is not known. Compute inside “with minigrad.viz.watch():”, or give minigrad.explain() a function.")];
  const heading = element("h3", {}, `Your line: ${node.line[0]}:${node.line[1]}`);
  if (node.excerpt === undefined) return [heading];
  const [, first, lines] = data.excerpts[node.excerpt], from = Math.max(0, node.line[1] - first - 2);
  return [heading, listing(lines.slice(from, node.line[1] - first + 3), first + from, node.line[1])];
}

function sentOf(step) {
  const pairs = (step.sent || []).map(([edge, value, added, sum, summed]) => {
    const [from, , position] = data.edges[edge], told = element("span", {}, long(value));
    if (summed) told.append(` (summed from ${summed})`);
    if (added !== null) told.append(element("br"), element("span", { className: "sum" }, `${long(added)} + ${long(value)} = ${long(sum)}`));
    return [`to ${title(data.nodes[from])}, input ${position}`, told];
  });
  return rows("Sent on", pairs);
}

const MOST = 8; // gradients that are told one by one of how they came together
function cameTogether(number) {
  const came = arrivals[number].filter(([step]) => step <= state.step), shown = came.slice(-MOST);
  if (arrivals[number].length < 2) return [];
  const pairs = shown.map(([step, sum, value, added]) => [
    `step ${step}`, added == null ? long(value) : element("span", { className: "sum" }, `${long(added)} + ${long(value)} = ${long(sum)}`)]);
  return rows(came.length > MOST ? `Summed, the last ${MOST} of ${came.length}` : "Summed, from", pairs);
}

function besideOf(number, step) {
  if (!data.beside || !data.beside.arrived[number]) return [];
  const pairs = data.beside.arrived[number].flatMap((theirs, output) => [
    [data.engine, long(step?.arrived?.[output])], [data.beside.engine, long(theirs)]]);
  const first = data.beside.first === number ? [element("p", { className: "warning" }, "Here the two differ for the first time: look at what sent it.")] : [];
  return [...rows("Gradient, side by side", pairs), ...first];
}

function drawPanel() {
  const number = shownNode(), head = find("step"), facts = find("facts");
  if (number === undefined) {
    const nodes = data.nodes.filter((node) => node.kind === "operation"), lines = nodes.some((node) => node.line);
    head.replaceChildren(element("h2", {}, last ? `Before the first of ${data.total} steps` : "No backward pass was recorded"));
    facts.replaceChildren(
      element("p", {}, last ? "Forward is done. Backward begins at the output, and each node runs when all its gradients have arrived. Press → for the first step, ? for all keys." : "Record one: minigrad.viz.record(loss)."),
      ...(last < data.total ? [element("p", { className: "warning" }, `It was left after step ${last}.`)] : []),
      ...(data.beside ? [element("p", { className: data.beside.first === null ? "" : "warning" }, data.beside.told)] : []),
      ...(data.saved.length ? [element("h3", {}, "Memory"), ...data.saved.map((told) => element("p", {}, told))] : []),
      ...(lines || !nodes.length ? [] : lineOf(nodes[0])));
    return;
  }
  const node = data.nodes[number], turn = runs.get(number), step = data.steps[turn - 1];
  const of = turn === undefined ? "no step" : `step ${turn} of ${data.total}`;
  const formula = node.formula === undefined ? null : element("p", { className: "formula" }, text(node.formula));
  head.replaceChildren(element("h2", {}, element("span", { className: "of" }, `${of}: `), title(node)), ...(formula ? [formula] : []));
  const where = node.module === undefined ? null : element("p", {}, `in ${text(node.module)}`);
  if (!step) {
    const why = node.kind === "constant" ? "It needs no gradient, and none is sent to it." : node.kind === "output" ? "Backward begins here." : "No gradient came here.";
    facts.replaceChildren(element("p", {}, why), ...(where ? [where] : []), ...rows("What it is", [["shape", text(node.shape)], ["value", long(node.value)]].filter(([, told]) => told)), ...lineOf(node));
    return;
  }
  const grads = node.kind === "leaf" ? rows(".grad", [["before", step.before === undefined ? "None" : long(step.before)], ["after", long(step.after)]]) : [];
  facts.replaceChildren(
    ...(where ? [where] : []),
    element("p", {}, `Ready: ${step.because}.`),
    ...rows("Arrived", (step.arrived || []).map((value, output) => [step.arrived.length > 1 ? `for output ${output}` : "dL/d(result)", long(value)])),
    ...cameTogether(number), ...besideOf(number, step),
    ...rows("Saved by forward", (step.saved || []).map(([name, value]) => [name, long(value)])),
    ...ruleOf(step, node), ...sentOf(step), ...grads, ...lineOf(node));
}

// ---------------------------------------------------------------------------------------------- moving

let hashTimer = 0;
function draw() {
  bringIntoSight();
  drawGraph();
  drawPanel();
  find("scrubber").value = state.step;
  find("scrubber").setAttribute("aria-valuetext", find("step").textContent);
  find("count").textContent = `${state.step} / ${last}`;
  if (document.activeElement?.closest(".box")) view().boxOf.get(shownNode())?.group.focus({ preventScroll: true });
  clearTimeout(hashTimer); // browsers refuse to be told of each step of a slider
  if (location.protocol !== "about:") hashTimer = setTimeout(() => history.replaceState(null, "", `#step=${state.step}`), 150);
}

function go(step, looked = null) {
  state.step = Math.max(0, Math.min(last, step));
  state.looked = looked;
  draw();
}

function goToNode(number) {
  if (runs.has(number)) go(runs.get(number)); else go(state.step, number);
}

function goToModule(direction) { // a leaf belongs to where it is used
  const home = (number) => data.nodes[data.nodes[number].kind === "leaf" ? targets[number][0] ?? number : number].module;
  const at = (step) => (step ? home(data.steps[step - 1].node) : undefined);
  let step = state.step + direction;
  while (step > 0 && step < last && at(step) === at(state.step)) step += direction;
  go(step);
}

const turns = new Map(); // which of a node's neighbours comes next
function goToNeighbour(neighbours, way) {
  const here = shownNode() ?? (last ? data.steps[0].node : 0), near = [...new Set(neighbours[here])];
  if (!near.length) return;
  const turn = turns.get(way + here) ?? 0;
  turns.set(way + here, turn + 1);
  goToNode(near[turn % near.length]);
}

function hold() {
  clearInterval(state.timer);
  state.timer = 0;
  find("play").textContent = "Play";
}

function play() {
  if (state.timer) return hold();
  if (state.step === last) go(0);
  find("play").textContent = "Pause";
  state.timer = setInterval(() => { go(state.step + 1); if (state.step === last) hold(); }, 1000 / find("speed").value);
}

function show(index) {
  state.view = (index + views.length) % views.length;
  views.forEach((each, number) => each.classList.toggle("shown", number === state.view));
  find("view").value = state.view;
  if (find("search").value) search(); else state.found = [];
  draw();
}

function zoom(to) { // one unit of a picture is a 14th of the font's size; what is in the middle stays there
  const graph = find("graph");
  const middle = [(graph.scrollLeft + graph.clientWidth / 2) / graph.scrollWidth, (graph.scrollTop + graph.clientHeight / 2) / graph.scrollHeight];
  state.zoom = Math.max(0.1, Math.min(5, to));
  for (const svg of graph.querySelectorAll("svg")) svg.style.width = `${(svg.dataset.width / 14) * state.zoom}em`;
  graph.scrollLeft = middle[0] * graph.scrollWidth - graph.clientWidth / 2;
  graph.scrollTop = middle[1] * graph.scrollHeight - graph.clientHeight / 2;
  find("natural").textContent = `${Math.round(state.zoom * 100)}%`;
}

function values() {
  state.grads = !state.grads;
  find("grads").textContent = state.grads ? "gradients" : "values";
  find("grads").setAttribute("aria-pressed", state.grads);
  draw();
}

function search() {
  const sought = find("search").value.trim().toLowerCase();
  const words = (number) => { const node = data.nodes[number]; return `${title(node)} ${text(node.module)} ${(node.line || []).join(":")}`.toLowerCase(); };
  state.found = sought ? view().boxes.filter((box) => box.words.includes(sought) || box.nodes.some((number) => words(number).includes(sought))) : [];
  find("matches").textContent = sought ? `${state.found.length} found` : "";
  drawGraph();
}

function nextFound(direction) {
  if (!state.found.length) return;
  const turn = (box) => Math.min(...box.nodes.map((number) => runs.get(number) ?? Infinity));
  const sorted = [...state.found].sort((a, b) => turn(a) - turn(b)), here = sorted.indexOf(view().boxOf.get(shownNode()));
  const box = sorted[(here + direction + sorted.length) % sorted.length] || sorted[0];
  goToNode(box.nodes.find((number) => runs.get(number) === turn(box)) ?? box.nodes[0]);
}

// ---------------------------------------------------------------------------------------------- what users do

const keys = {
  ArrowRight: (event) => (event.shiftKey ? goToModule(1) : go(state.step + 1)),
  ArrowLeft: (event) => (event.shiftKey ? goToModule(-1) : go(state.step - 1)),
  ArrowUp: () => goToNeighbour(sources, "up"), ArrowDown: () => goToNeighbour(targets, "down"),
  Home: () => go(0), End: () => go(last), " ": play, "/": () => find("search").select(), c: () => show(state.view + 1),
  g: values, "?": () => find("help").showModal(), "+": () => zoom(state.zoom * 1.2), "=": () => zoom(state.zoom * 1.2),
  "-": () => zoom(state.zoom / 1.2), 0: () => zoom(1),
};

document.addEventListener("keydown", (event) => {
  const target = event.target, key = event.key, writes = target.id === "search";
  if (event.ctrlKey || event.metaKey || event.altKey || find("help").open || !keys[key]) return;
  if (writes || (target.matches("select") && key !== "?")) return;
  if (key === " " && target.matches("button, summary")) return;
  if (/^Arrow(Up|Down)$/.test(key) && target.closest("#panel")) return; // it scrolls
  if (/^Arrow(Left|Right)$/.test(key) && target.matches("pre") && !event.shiftKey) return;
  event.preventDefault();
  keys[key](event);
});
find("search").addEventListener("input", search);
find("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") nextFound(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") { find("search").value = ""; search(); (view().boxOf.get(shownNode())?.group ?? find("graph")).focus(); }
});
find("scrubber").addEventListener("input", (event) => go(Number(event.target.value)));
find("view").addEventListener("change", (event) => show(Number(event.target.value)));
find("speed").addEventListener("change", () => { if (state.timer) { hold(); play(); } });
const clicks = { back: () => go(state.step - 1), on: () => go(state.step + 1), play, grads: values, ask: keys["?"],
  smaller: keys["-"], natural: keys[0], larger: keys["+"] };
for (const [id, act] of Object.entries(clicks)) find(id).addEventListener("click", act);

const graph = find("graph");
let drag = null, dragged = false;
graph.addEventListener("pointerdown", (event) => {
  dragged = false;
  if (event.button === 0 && event.pointerType === "mouse") drag = [event.clientX, event.clientY];
});
document.addEventListener("pointermove", (event) => {
  if (!drag || (!dragged && Math.hypot(drag[0] - event.clientX, drag[1] - event.clientY) < 4)) return;
  dragged = true;
  graph.classList.add("dragged");
  graph.scrollLeft += drag[0] - event.clientX;
  graph.scrollTop += drag[1] - event.clientY;
  drag = [event.clientX, event.clientY];
});
document.addEventListener("pointerup", () => { drag = null; graph.classList.remove("dragged"); });
graph.addEventListener("click", (event) => {
  const group = event.target.closest(".box");
  if (!group || dragged) return;
  const nodes = data.views[state.view].boxes[group.dataset.box];
  goToNode(nodes.find((number) => runs.get(number) >= state.step) ?? nodes.find((number) => runs.has(number)) ?? nodes[0]);
  group.focus({ preventScroll: true });
});
graph.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoom(state.zoom * Math.exp(-event.deltaY / 400));
}, { passive: false });

function fromAddress() {
  const told = /^#step=(\d+)$/.exec(location.hash);
  go(told ? Number(told[1]) : state.step);
}
window.addEventListener("hashchange", fromAddress);
find("scrubber").max = last;
zoom(1);
show(state.view);
fromAddress();
