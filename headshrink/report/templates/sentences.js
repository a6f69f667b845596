"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [first, second] = data.models;
const PAGE = 50;
const byId = (id) => document.getElementById(id);
const folded = data.texts.map((text) => text.toLowerCase());

const pairs = data.pairs.map(([left, right, label, a, b]) => ({ left, right, label, a, b, change: b - a }));
const cards = data.texts.map((_, text) => {
  const [one, other] = data.models.map((model) => data.neighbours[model][text]);
  const ofOther = new Set(other.map(([neighbour]) => neighbour));
  return { text, one, other, shared: one.filter(([neighbour]) => ofOther.has(neighbour)).length };
}).filter((card) => card.shared < card.one.length);

const ORDERS = {
  most: (x, y) => Math.abs(y.change) - Math.abs(x.change),
  up: (x, y) => y.change - x.change,
  down: (x, y) => x.change - y.change,
};
const state = { view: "pairs", query: "", order: "most", shown: PAGE, only: null };

function element(name, content, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (typeof content === "string") made.textContent = content;
  else if (content) made.append(...content);
  return made;
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
}

function pairMatches(pair) {
  if (state.only) return pair === state.only;
  return folded[pair.left].includes(state.query) || folded[pair.right].includes(state.query);
}

function cardMatches(card) {
  return folded[card.text].includes(state.query);
}

function pairRow(pair) {
  const label = pair.label === null ? "" : String(Math.round(pair.label * 100) / 100);
  const cells = [data.texts[pair.left], data.texts[pair.right], label, pair.a.toFixed(3), pair.b.toFixed(3), signed(pair.change)];
  return element("tr", cells.map((cell) => element("td", cell)));
}

function neighbourList(model, own, others, mark, side) {
  const shared = new Set(others.map(([neighbour]) => neighbour));
  const items = own.map(([neighbour, cosine]) => {
    const alone = !shared.has(neighbour);
    const parts = [element("b", alone ? mark : ""), element("i", cosine.toFixed(3)), element("span", data.texts[neighbour])];
    return element("li", parts, alone ? "alone" : "");
  });
  return element("div", [element("h4", model), element("ol", items)], side);
}

function neighbourCard(card) {
  const title = element("h3", [element("div", data.texts[card.text]), element("span", `${card.shared} of ${card.one.length} shared`)]);
  const lists = [neighbourList(first, card.one, card.other, "−", "first"), neighbourList(second, card.other, card.one, "+", "second")];
  return element("article", [title, element("div", lists, "columns")], "card");
}

const dots = new Map();

function drawPlot() {
  const values = pairs.flatMap((pair) => [pair.a, pair.b]);
  const low = Math.floor(Math.min(0, ...values) * 5) / 5, high = 1;
  const place = (value) => 40 + ((value - low) / (high - low)) * 365;
  const svg = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    byId("plot").append(made);
    return made;
  };
  for (let tick = low; tick <= high + 1e-9; tick += 0.2) {
    const at = place(tick), text = tick.toFixed(1).replace("-0.0", "0.0").replace("-", "−");
    svg("line", { x1: at, x2: at, y1: 15, y2: 380 });
    svg("line", { x1: 40, x2: 405, y1: 420 - at, y2: 420 - at });
    svg("text", { x: at, y: 394, "text-anchor": "middle" }, text);
    svg("text", { x: 34, y: 424 - at, "text-anchor": "end" }, text);
  }
  svg("line", { x1: 40, y1: 380, x2: 405, y2: 15, class: "diagonal" });
  svg("text", { x: 222, y: 414, "text-anchor": "middle" }, first);
  svg("text", { x: 10, y: 198, "text-anchor": "middle", transform: "rotate(-90 10 198)" }, second);
  for (const pair of pairs) {
    const dot = svg("circle", { cx: place(pair.a), cy: 420 - place(pair.b), r: 3 });
    dot.addEventListener("click", () => change({ only: state.only === pair ? null : pair }));
    dots.set(pair, dot);
  }
}

function show() {
  const onPairs = state.view === "pairs";
  const all = onPairs ? pairs : cards;
  const found = all.filter(onPairs ? pairMatches : cardMatches);
  found.sort(onPairs ? ORDERS[state.order] : (x, y) => x.shared - y.shared || x.text - y.text);
  const shown = found.slice(0, state.shown);
  if (onPairs) {
    byId("pair-rows").replaceChildren(...shown.map(pairRow));
    const inside = new Set(found);
    dots.forEach((dot, pair) => dot.classList.toggle("out", !inside.has(pair)));
  } else {
    byId("cards").replaceChildren(...shown.map(neighbourCard));
  }
  byId("count").textContent = `${found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
  byId("more").hidden = shown.length === found.length;
  byId("order").parentElement.hidden = !onPairs;
  for (const view of ["pairs", "neighbours"]) {
    byId(view).hidden = view !== state.view;
    byId(`tab-${view}`).setAttribute("aria-selected", String(view === state.view));
  }
}

function change(what) {
  Object.assign(state, { shown: PAGE }, what);
  show();
}

byId("filter").addEventListener("input", (event) => change({ query: event.target.value.trim().toLowerCase(), only: null }));
byId("order").addEventListener("change", (event) => change({ order: event.target.value }));
byId("more").addEventListener("click", () => change({ shown: state.shown + PAGE }));
for (const view of ["pairs", "neighbours"]) byId(`tab-${view}`).addEventListener("click", () => change({ view, only: null }));
drawPlot();
show();
