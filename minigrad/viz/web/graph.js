"use strict";
// The page's script, 1 of 3: what is read, and how the graph looks at each step. What is counted here is which steps
// come before the one that is shown; every value was written by the run, and stands as text in "data".

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
    arrivals[data.edges[edge][0]].push({ step: index + 1, value, added, sum });
  }
});
data.edges.forEach(([from, to], edge) => { // backward begins at the node of the output
  const first = data.steps[0];
  if (data.nodes[to].kind !== "output" || first?.node !== from) return;
  passes.set(edge, 1);
  for (const each of [from, to]) arrivals[each].push({ step: 1, value: first.arrived?.[0], sum: first.arrived?.[0] });
});

const text = (number) => data.texts[number] ?? "";
const title = (node) => (node.called === node.name ? node.name : `${node.name} ${node.called}`);
const arrivedAt = (number) => arrivals[number].filter(({ step }) => step <= state.step);

function shownNode() { // the node that the panel is about; none before the first step
  return state.looked ?? data.steps[state.step - 1]?.node;
}

// ------------------------------------------------------------------------------------------- what a box shows

const marks = { waiting: "", begun: "", running: "▶ runs ", done: "✓ ", still: "" };
const dots = (arrived, all) => (all > 6 ? `${arrived}/${all}` : "●".repeat(arrived) + "○".repeat(all - arrived));

function stateOf(turn) { // "still" is what has no step
  if (turn === undefined) return "still";
  return turn < state.step ? "done" : turn === state.step ? "running" : "waiting";
}

function gradientOf(number) { // the number of the value that is there now
  const turn = runs.get(number), after = turn <= state.step ? data.steps[turn - 1].after : undefined;
  return after ?? arrivedAt(number).at(-1)?.sum;
}

function look(nodes) {
  return nodes.length === 1 ? lookOfNode(nodes[0]) : lookOfFolded(nodes.filter((number) => runs.has(number)));
}

function lookOfNode(number) {
  const node = data.nodes[number], told = stateOf(runs.get(number));
  const arrived = arrivedAt(number).length, all = arrivals[number].length;
  const grads = state.grads && node.kind !== "constant", value = grads ? gradientOf(number) : node.value;
  const count = all ? `, ${arrived} of ${all} gradient${all === 1 ? "" : "s"} arrived` : "";
  return {
    told, state: marks[told] + dots(arrived, all),
    value: value === undefined ? "" : `${grads ? "grad " : ""}${data.values[value][0]}`,
    label: `${title(node)}, ${text(node.shape)}${count}${told === "still" ? "" : `, ${told}`}`,
  };
}

function lookOfFolded(nodes) {
  const done = nodes.filter((number) => runs.get(number) < state.step).length;
  const now = nodes.find((number) => runs.get(number) === state.step);
  const told = now !== undefined ? "running" : done === nodes.length ? "done" : done ? "begun" : "waiting";
  const count = `${done} of ${nodes.length} nodes done`;
  const value = now === undefined ? "" : title(data.nodes[now]).slice(0, 20);
  return { told, state: `${marks[told]}${done}/${nodes.length}`, value, label: count };
}

// ------------------------------------------------------------------------------------------- drawing

const prepared = new Map();
function view(index = state.view) {
  if (!prepared.has(index)) prepared.set(index, prepare(views[index], data.views[index]));
  return prepared.get(index);
}

function prepare(shown, { boxes: nodes, arrows: edges }) { // a view's elements, and where they stand in the picture
  const boxes = [...shown.querySelectorAll(".box")].map((group) => {
    const body = group.querySelector(".body");
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(body.getAttribute(name)));
    return {
      group, base: group.getAttribute("class"), nodes: nodes[group.dataset.box], place: [x, y, x + width, y + height],
      value: group.querySelector(".value"), state: group.querySelector(".state"),
      words: group.textContent.toLowerCase(),
    };
  });
  const arrows = [...shown.querySelectorAll(".arrow")].map((group) => {
    const points = group.querySelector("path").getAttribute("d").match(/[-\d.]+/g).map(Number);
    const [xs, ys] = [0, 1].map((odd) => points.filter((_, index) => index % 2 === odd));
    const place = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    return { group, base: group.getAttribute("class"), edges: edges[group.dataset.arrow], place };
  });
  const boxOf = new Map();
  for (const box of boxes) for (const number of box.nodes) if (!boxOf.has(number)) boxOf.set(number, box);
  return { svg: shown.querySelector("svg"), boxes, boxOf, parts: [...boxes, ...arrows] };
}

function change(part, key, set) { // touch the page only where something is another
  if (part.was !== key) { part.was = key; set(); }
}

function drawBox(box) {
  const now = look(box.nodes), looked = view().boxOf.get(shownNode()) === box;
  const differs = data.beside && box.nodes.includes(data.beside.first) ? " differs" : "";
  const found = state.found.includes(box) ? " found" : "";
  change(box, [now.told, now.value, now.state, now.label, differs, found, looked].join("|"), () => {
    box.group.setAttribute("class", `${box.base} ${now.told}${differs}${found}`);
    box.group.setAttribute("aria-label", now.label);
    box.group.setAttribute("tabindex", looked ? "0" : "-1");
    if (box.value) box.value.textContent = now.value;
    if (box.state) box.state.textContent = now.state;
  });
}

function drawArrow(arrow) {
  const when = arrow.edges.map((edge) => passes.get(edge) ?? Infinity);
  const told = when.includes(state.step) ? " passing" : Math.min(...when) < state.step ? " passed" : "";
  change(arrow, told, () => arrow.group.setAttribute("class", arrow.base + told));
}

const MANY = 600; // boxes and arrows that are drawn at once; of more, those in sight first, then the others
let rest = 0;
function drawGraph() {
  const { svg, parts } = view(), { a, d, e, f } = svg.getScreenCTM(), seen = find("graph").getBoundingClientRect();
  const drawPart = (part) => (part.nodes ? drawBox(part) : drawArrow(part));
  const inSight = ({ place: [left, top, right, bottom] }) =>
    a * right + e > seen.left && a * left + e < seen.right && d * bottom + f > seen.top && d * top + f < seen.bottom;
  const others = [];
  for (const part of parts) if (parts.length <= MANY || inSight(part)) drawPart(part); else others.push(part);
  const goOn = () => {
    for (const part of others.splice(0, MANY)) drawPart(part);
    if (others.length) rest = setTimeout(goOn);
  };
  clearTimeout(rest);
  if (others.length) rest = setTimeout(goOn, 30);
}

function bringIntoSight() { // and what is above it, where its gradients go
  const box = view().boxOf.get(shownNode() ?? data.steps[0]?.node ?? 0), graph = find("graph");
  if (!box) return;
  const there = box.group.getBoundingClientRect(), seen = graph.getBoundingClientRect();
  const middle = (from, to) => (there[from] + there[to] - seen[from] - seen[to]) / 2;
  const high = there.top < seen.top + seen.height / 4;
  if (high || there.bottom > seen.bottom) graph.scrollTop += middle("top", "bottom");
  if (there.left < seen.left || there.right > seen.right) graph.scrollLeft += middle("left", "right");
}
