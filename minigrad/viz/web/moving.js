// 3 of 3: from step to step, by keys, pointer and controls.

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
  const tell = () => history.replaceState(null, "", `#step=${state.step}`);
  if (location.protocol !== "about:") hashTimer = setTimeout(tell, 150);
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
  const user = (number) => (data.nodes[number].kind === "leaf" ? targets[number][0] ?? number : number);
  const at = (step) => (step ? data.nodes[user(data.steps[step - 1].node)].module : undefined);
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
  const across = (graph.scrollLeft + graph.clientWidth / 2) / graph.scrollWidth;
  const down = (graph.scrollTop + graph.clientHeight / 2) / graph.scrollHeight;
  state.zoom = Math.max(0.1, Math.min(5, to));
  for (const svg of graph.querySelectorAll("svg")) svg.style.width = `${(svg.dataset.width / 14) * state.zoom}em`;
  graph.scrollLeft = across * graph.scrollWidth - graph.clientWidth / 2;
  graph.scrollTop = down * graph.scrollHeight - graph.clientHeight / 2;
  find("natural").textContent = `${Math.round(state.zoom * 100)}%`;
}

function values() {
  state.grads = !state.grads;
  find("grads").textContent = state.grads ? "gradients" : "values";
  find("grads").setAttribute("aria-pressed", state.grads);
  draw();
}

function wordsOf(number) {
  const node = data.nodes[number];
  return `${title(node)} ${text(node.module)} ${(node.line || []).join(":")}`.toLowerCase();
}

function search() {
  const sought = find("search").value.trim().toLowerCase();
  const fits = (box) => box.words.includes(sought) || box.nodes.some((number) => wordsOf(number).includes(sought));
  state.found = sought ? view().boxes.filter(fits) : [];
  find("matches").textContent = sought ? `${state.found.length} found` : "";
  drawGraph();
}

function nextFound(direction) {
  if (!state.found.length) return;
  const turn = (box) => Math.min(...box.nodes.map((number) => runs.get(number) ?? Infinity));
  const sorted = [...state.found].sort((a, b) => turn(a) - turn(b));
  const here = sorted.indexOf(view().boxOf.get(shownNode()));
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
  if (event.key !== "Escape") return;
  find("search").value = "";
  search();
  (view().boxOf.get(shownNode())?.group ?? find("graph")).focus();
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
  const next = nodes.find((number) => runs.get(number) >= state.step) ?? nodes.find((number) => runs.has(number));
  goToNode(next ?? nodes[0]);
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
window.addEventListener("message", ({ data }) => {
  if (["light", "dark", "auto"].includes(data?.theme)) document.documentElement.dataset.theme = data.theme;
});
find("scrubber").max = last;
zoom(1);
show(state.view);
fromAddress();
views.forEach((_, index) => setTimeout(() => view(index), 200)); // so that they are shown at once
