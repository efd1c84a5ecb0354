// 2 of 3: what is told beside the graph of the node that is shown. Whatever comes from a program is put in as text.

const full = (number) => (number == null ? "nothing" : data.values[number][1]);
const MOST = 8; // gradients that are told one by one of those that were summed

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

const paragraph = (told, className = "") => element("p", { className }, told);
const section = (heading, ...children) => [element("h3", {}, heading), ...children];

function rows(heading, pairs) {
  const row = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  return pairs.length ? section(heading, element("dl", {}, pairs.map(row))) : [];
}

function sumOf({ value, added, sum }) { // "2.0 + 4.0 = 6.0", or what came first
  if (added == null) return full(value);
  return element("span", { className: "sum" }, `${full(added)} + ${full(value)} = ${full(sum)}`);
}

function listing(lines, first, marked, numbers = new Map()) { // source, without what all lines are indented by
  const depth = (line) => (line.trim() ? line.search(/\S/) : Infinity), begin = Math.min(...lines.map(depth));
  const list = element("div", { className: "lines" });
  lines.forEach((line, index) => {
    const number = first + index, mark = number === marked ? " now" : numbers.has(number) ? " ran" : "";
    const indent = line.trim() ? depth(line) - begin : 0;
    const put = (className, told, more, hanging) => { // a line that is broken goes on indented
      const part = element("span", { className }, told);
      part.style.paddingLeft = `calc(${indent + more}ch + .4em)`;
      part.style.textIndent = `-${hanging}ch`;
      list.append(part);
    };
    const name = number === marked ? element("b", {}, `▶ ${number}`) : String(number);
    list.append(element("span", { className: `number${mark}` }, name));
    put(`code${mark}`, line.slice(begin), 4, indent + 4);
    if (numbers.get(number)) put("numbers", `→ ${numbers.get(number)}`, 2, 2);
  });
  return element("pre", {}, list);
}

function ruleOf(node, step) {
  const rule = data.rules[node.name];
  if (node.kind !== "operation") return [];
  if (!rule) {
    const compiled = "PyTorch's rules are compiled: there is no source to show.";
    return section("Rule", paragraph(data.engine === "PyTorch" ? compiled : "Its source was not found."));
  }
  const ran = step.ran || [], numbers = new Map(ran.map(([line, told]) => [line, text(told)]));
  return section("Rule",
    listing(rule.lines.slice(rule.begin - 1, rule.end), rule.begin, ran.at(-1)?.[0], numbers),
    ran.length ? null : paragraph("Which lines ran is not known: a debugger, or coverage, was looking on."),
    element("details", {}, element("summary", {}, "The whole rule"), listing(rule.lines, 1)));
}

function lineOf(node) {
  if (node.kind !== "operation") return [];
  if (!node.line) {
    return section("Your line", paragraph(
      "It is not known. Compute inside “with minigrad.viz.watch():”, or give minigrad.explain() a function."));
  }
  const [file, line] = node.line, heading = `Your line: ${file}:${line}`;
  if (node.excerpt === undefined) return section(heading);
  const [, first, lines] = data.excerpts[node.excerpt], from = Math.max(0, line - first - 2);
  return section(heading, listing(lines.slice(from, line - first + 3), first + from, line));
}

function sentOf(step) {
  return rows("Sent on", (step.sent || []).map(([edge, value, added, sum, summed]) => {
    const [to, , position] = data.edges[edge], from = summed ? ` (summed from ${summed})` : "";
    const told = [full(value) + from, ...(added == null ? [] : [element("br"), sumOf({ value, added, sum })])];
    return [`to ${title(data.nodes[to])}, input ${position}`, element("span", {}, told)];
  }));
}

function summedOf(number) { // how the gradients of a node that is used more than once came together
  const came = arrivedAt(number);
  if (arrivals[number].length < 2) return [];
  const heading = came.length > MOST ? `Summed, the last ${MOST} of ${came.length}` : "Summed, from";
  return rows(heading, came.slice(-MOST).map((each) => [`step ${each.step}`, sumOf(each)]));
}

function besideOf(number, step) {
  const pairs = (data.beside?.arrived[number] || []).flatMap((theirs, output) =>
    [[data.engine, full(step.arrived?.[output])], [data.beside.engine, full(theirs)]]);
  const differs = data.beside?.first === number;
  return [...rows("Gradient, side by side", pairs),
    differs ? paragraph("Here the two differ for the first time: look at what sent it.", "warning") : null];
}

function drawPanel() {
  const number = shownNode(), node = data.nodes[number], turn = runs.get(number), step = data.steps[turn - 1];
  const [heading, facts] = !node ? beginning() : step ? ofStep(number, node, step) : ofOther(node);
  const place = step ? `step ${turn} of ${data.total}: ` : "no step: ";
  const count = node ? element("span", { className: "of" }, place) : null;
  const formula = node?.formula === undefined ? null : paragraph(text(node.formula), "formula");
  find("step").replaceChildren(element("h2", {}, count, heading), ...(formula ? [formula] : []));
  const where = node?.module === undefined ? null : paragraph(`in ${text(node.module)}`);
  find("facts").replaceChildren(...[where, ...facts].filter((each) => each !== null));
}

function beginning() { // before the first step
  const operations = data.nodes.filter((node) => node.kind === "operation"), beside = data.beside;
  const unknown = operations.length && !operations.some((node) => node.line) ? lineOf(operations[0]) : [];
  return [last ? `Before the first of ${data.total} steps` : "No backward pass was recorded", [
    paragraph(last ? "Forward is done. Backward begins at the output, and each node runs when all its gradients have " +
      "arrived. Press → for the first step, ? for all keys." : "Record one: minigrad.viz.record(loss)."),
    last < data.total ? paragraph(`It was left after step ${last}.`, "warning") : null,
    beside ? paragraph(beside.told, beside.first === null ? "" : "warning") : null,
    ...(data.saved.length ? section("Memory", ...data.saved.map((told) => paragraph(told))) : []),
    ...unknown]];
}

function ofStep(number, node, step) {
  const outputs = step.arrived || [], before = step.before === undefined ? "None" : full(step.before);
  const name = (output) => (outputs.length > 1 ? `for output ${output}` : "dL/d(result)");
  return [title(node), [
    paragraph(`Ready: ${step.because}.`),
    ...rows("Arrived", outputs.map((value, output) => [name(output), full(value)])),
    ...summedOf(number), ...besideOf(number, step),
    ...rows("Saved by forward", (step.saved || []).map(([saved, value]) => [saved, full(value)])),
    ...ruleOf(node, step), ...sentOf(step),
    ...rows(".grad", node.kind === "leaf" ? [["before", before], ["after", full(step.after)]] : []),
    ...lineOf(node)]];
}

function ofOther(node) { // what has no step
  const why = { constant: "It needs no gradient, and none is sent to it.", output: "Backward begins here." };
  const known = [["shape", text(node.shape)], ["value", node.value === undefined ? "" : full(node.value)]];
  return [title(node), [
    paragraph(why[node.kind] || "No gradient came here."),
    ...rows("What it is", known.filter(([, told]) => told)), ...lineOf(node)]];
}
