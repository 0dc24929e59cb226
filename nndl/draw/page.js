// The sheet and its tools, the answer, the gallery: from the pen to the network and back.
"use strict";

const PEN = 1.0, ERASER = 1.8;      // radii, in pixels of the network's image
const KEY_STEP = FINE / 2;          // how far an arrow key moves the pen, in pixels of the sheet
const SMOOTH = 16;                  // ms: where a look takes longer, the ink does not wait for it

const sheet = new Sheet();
// What is on the sheet.  A picture is never changed, but followed by another, and Undo goes back:
// {base: the test image underneath or null, strokes: [{erases, points: [[x, y], ...]}], example: whether
// it is what the page opened with}.
let picture = { base: null, strokes: [], example: false };
const before = [];
let tool = "pen";
let stroke = null;                  // the one that is being drawn: {erases, points, pointerId}
let shift = [0, 0];                 // of the image, in its pixels: down, right

// --- the sheet ------------------------------------------------------------------------------------

const paper = paneOf(SHEET, SHEET, byId("sheet"));

/** Show the sheet's ink, or only a part of it that has changed. */
function showSheet(left = 0, top = 0, right = SHEET, bottom = SHEET) {
  for (let y = top; y < bottom; y++) {
    for (let at = y * SHEET + left; at < y * SHEET + right; at++) paper.pixels[at] = colours.inks[sheet.ink[at]];
  }
  paper.show(left, top, right - left, bottom - top);
}

/** Put the picture on the sheet from its beginning. */
function redraw() {
  sheet.clear();
  if (picture.base) sheet.put(picture.base);
  for (const { erases, points } of picture.strokes) {
    points.forEach((point, n) => line(points[Math.max(0, n - 1)], point, erases, false));
  }
  showSheet();
}

function line([x0, y0], [x1, y1], erases, shows = true) {
  const radius = FINE * (erases ? ERASER : PEN), reach = Math.ceil(radius) + 2;
  sheet.line(x0, y0, x1, y1, radius, erases);
  if (!shows) return;
  const inside = (n) => Math.min(SHEET, Math.max(0, Math.round(n)));
  showSheet(inside(Math.min(x0, x1) - reach), inside(Math.min(y0, y1) - reach),
    inside(Math.max(x0, x1) + reach), inside(Math.max(y0, y1) + reach));
}

/** Another picture in the place of this one, which Undo brings back. */
function turnTo(base, strokes) {
  before.push(picture);
  picture = { base, strokes, example: false };
  shift = [0, 0];
}

function begin(point, pointerId = null) {
  if (picture.example && tool === "pen") {  // the digit that the page opened with makes room
    turnTo(null, []);
    redraw();
  }
  shift = [0, 0];
  stroke = { erases: tool === "eraser", points: [point], pointerId };
  line(point, point, stroke.erases);
}

function goOn(point) {
  line(stroke.points.at(-1), point, stroke.erases);
  stroke.points.push(point);
}

function end() {
  if (!stroke) return;
  const finished = stroke;
  stroke = null;
  turnTo(picture.base, [...picture.strokes, finished]);
  see();
}

function undo() {
  end();
  if (!before.length) return;
  picture = before.pop();
  shift = [0, 0];
  redraw();
  see();
}

/** An empty sheet, or a test image on it. */
function load(image) {
  end();
  if (!image && !picture.base && !picture.strokes.length) return;
  choose("pen");
  turnTo(image, []);
  redraw();
  see();
}

// --- from the sheet to the answer -----------------------------------------------------------------

let waits = false;

/** Look at the sheet: at once if that is quick, else when the ink has been shown. */
function look(began) {
  if (!(page.looks.at(-1) > SMOOTH)) see(began);
  else if (!waits) {
    waits = true;
    requestAnimationFrame(() => setTimeout(() => {
      waits = false;
      see();
    }));
  }
}

/** From the sheet to the answer, and everything between on the page. */
function see(began = performance.now()) {
  const made = prepare(sheet) || { image: null };
  if (picture.base && !picture.strokes.length && !stroke) made.image = picture.base;  // to the last bit
  const isShifted = made.image && (shift[0] || shift[1]);
  let unshifted = null, image = made.image;
  if (isShifted) {
    feed(image);
    unshifted = network.stages.map((stage) => stage.out.slice());
    image = shifted(image, ...shift);
  }
  if (image) feed(image);
  else for (const values of [pixels, ...network.stages.map((stage) => stage.out)]) values.fill(0);
  showPreparation(made, image, isShifted);
  showAnswer(image && network.stages.at(-1).out);
  for (const card of cards) card.show(unshifted);
  if (looked) showLooked();
  if (page.looks.push(performance.now() - began) > 1000) page.looks.shift();
  byId("time").textContent = image && !picture.example ? `The last look took ${page.looks.at(-1).toFixed(1)} ms.` : "";
}

function feed(image) {
  for (let n = 0; n < image.length; n++) pixels[n] = image[n] / 256;  // as MNIST's are for nndl
  network.feedforward(pixels);
}

const boxed = paneOf(112, 112, byId("boxed")), fittedPane = paneOf(DIGIT, DIGIT, byId("fitted"));
const input = paneOf(SIDE, SIDE, byId("input"));

/** The three steps from the sheet to the network's image. */
function showPreparation({ box, fitted, mass, top, left }, image, isShifted) {
  const size = boxed.width, by = SHEET / size, { inks, frame } = colours;
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) boxed.pixels[at++] = inks[sheet.ink[(y * by + by / 2) * SHEET + x * by + by / 2]];
  }
  if (box) {
    const [first, begins, last, ends] = [box.top, box.left, box.bottom - 1, box.right - 1].map((n) => Math.floor(n / by));
    for (let x = begins; x <= ends; x++) boxed.pixels[first * size + x] = boxed.pixels[last * size + x] = frame;
    for (let y = first; y <= last; y++) boxed.pixels[y * size + begins] = boxed.pixels[y * size + ends] = frame;
  }
  boxed.show();
  fittedPane.pixels.fill(inks[0]);
  for (let r = 0; fitted && r < fitted.rows; r++) {
    for (let c = 0; c < fitted.columns; c++) fittedPane.pixels[r * DIGIT + c] = inks[fitted.pixels[r * fitted.columns + c]];
  }
  fittedPane.show();
  for (let n = 0; n < input.pixels.length; n++) input.pixels[n] = inks[image ? image[n] : 0];
  input.show();

  // A cross at the centre of mass, and the place of the fitted digit in the image.
  for (const [cross, rows, columns, n] of [["fitted-mass", 0, 0, DIGIT], ["input-mass", top, left, SIDE]]) {
    byId(cross).hidden = !mass || isShifted;
    if (mass) Object.assign(byId(cross).style, { top: `${100 * (rows + mass[0]) / n}%`, left: `${100 * (columns + mass[1]) / n}%` });
  }
  byId("place").hidden = !fitted || isShifted;
  if (fitted) put(byId("place"), top, left, fitted.rows, fitted.columns);
  write(byId("fitted-words"), `fitted into 20\u00a0×\u00a020${
    fitted ? `: ${fitted.rows}\u00a0×\u00a0${fitted.columns}` : ""}`);
  write(byId("input-words"), isShifted ? "shifted" : "centred");
  byId("back").hidden = byId("shift-words").hidden = !isShifted;
  if (isShifted) {
    const way = [[shift[0], "down", "up"], [shift[1], "right", "left"]].filter(([n]) => n)
      .map(([n, positive, negative]) => `${Math.abs(n)} ${n > 0 ? positive : negative}`).join(" and ");
    byId("shift-words").textContent = `Shifted ${way}. Each card says by how much its numbers have changed: feature `
      + "maps move along with the digit, and the less a layer changes, the less it minds where the digit is.";
  }
}

const bars = Array.from({ length: 10 }, (_, digit) => {
  const bar = element("div", { className: "bar" }), number = element("span", { className: "number" });
  const row = element("div", { className: "row" }, {}, element("span", { textContent: digit }),
    element("div", { className: "track" }, {}, bar), number);
  byId("bars").append(row);
  return { row, bar, number };
});
const isProbability = network.stages.at(-1).kind === "softmax";
byId("bars-words").textContent = isProbability
  ? "It must choose one of the ten, and so a scribble, too, gets a digit."
  : "Activations of the ten output neurons, which do not sum to 1; the largest is what it reads.";

/** An output in words: no network is sure, and so nothing is rounded to 0 or 100 %. */
function said(value, over = "over", under = "under") {
  if (!isProbability) return short(value);
  return value > 0.9995 ? `${over} 99.9 %` : value < 0.0005 ? `${under} 0.1 %` : `${(100 * value).toFixed(1)} %`;
}

const withArticle = (digit) => (digit === 8 ? "an 8" : `a ${digit}`);
let speaks = 0;

/** outputs : ten numbers; null where nothing has been drawn. */
function showAnswer(outputs) {
  const order = outputs ? [...outputs.keys()].sort((one, other) => outputs[other] - outputs[one]) : [];
  bars.forEach(({ row, bar, number }, digit) => {
    row.classList.toggle("first", digit === order[0]);
    bar.style.transform = `scaleX(${outputs ? Math.min(1, Math.max(0, outputs[digit])) : 0})`;
    write(number, outputs ? said(outputs[digit], ">", "<") : "");
  });
  byId("hint").hidden = Boolean(outputs) && !picture.example;
  write(byId("hint"), picture.example ? "Draw a digit here, over this one" : "Draw a digit here");
  write(byId("digit"), outputs ? String(order[0]) : "");
  const [first, second] = order;
  const words = outputs ? `It reads ${withArticle(first)}: ${said(outputs[first])}. Its second choice, ${
    withArticle(second)}: ${said(outputs[second])}.` : "At every stroke the network says what it reads.";
  write(byId("says"), words);
  clearTimeout(speaks);  // who listens hears the answer when the pen rests
  speaks = setTimeout(() => { byId("spoken").textContent = words; }, 600);
}

// --- mouse, pen, finger, keys ---------------------------------------------------------------------

const onSheet = (event) => {
  const box = paper.canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * SHEET / box.width, (event.clientY - box.top) * SHEET / box.height];
};
paper.canvas.addEventListener("pointerdown", (event) => {
  const began = performance.now();
  if (!event.isPrimary || event.button !== 0) return;
  if (stroke && stroke.pointerId !== null && event.pointerType !== "pen") return;  // a palm beside the pen
  end();
  paper.canvas.setPointerCapture(event.pointerId);
  cursor.hidden = true;
  begin(onSheet(event), event.pointerId);
  look(began);
});
paper.canvas.addEventListener("pointermove", (event) => {
  const began = performance.now();
  if (!stroke || stroke.pointerId !== event.pointerId) return;
  if (!event.buttons) return void end();  // it was let go where nobody told us
  const events = event.getCoalescedEvents?.() || [];
  for (const each of events.length ? events : [event]) goOn(onSheet(each));
  look(began);
});
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
  paper.canvas.addEventListener(kind, (event) => { if (stroke?.pointerId === event.pointerId) end(); });
}

// The pen under the arrow keys.
const cursor = byId("cursor");
let penAt = [SHEET / 2, SHEET / 4];

function showCursor() {
  cursor.hidden = false;
  cursor.classList.toggle("down", Boolean(stroke));
  Object.assign(cursor.style, { left: `${100 * penAt[0] / SHEET}%`, top: `${100 * penAt[1] / SHEET}%` });
}
paper.canvas.addEventListener("focus", () => { if (paper.canvas.matches(":focus-visible")) showCursor(); });
paper.canvas.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!way && event.key !== " ") return;
  event.preventDefault();
  if (stroke && stroke.pointerId !== null) return;
  if (way) {
    penAt = penAt.map((n, axis) => Math.min(SHEET, Math.max(0, n + KEY_STEP * way[axis])));
    if (stroke) goOn(penAt);
  } else if (stroke) end();
  else begin(penAt);
  showCursor();
  if (stroke) look(performance.now());
});
paper.canvas.addEventListener("blur", () => {
  cursor.hidden = true;
  if (stroke?.pointerId === null) end();
});

function choose(next) {
  tool = next;
  for (const name of ["pen", "eraser"]) byId(name).setAttribute("aria-pressed", name === tool);
}
const ACTIONS = { p: () => choose("pen"), e: () => choose("eraser"), z: undo, c: () => load(null) };
for (const [key, id] of Object.entries({ p: "pen", e: "eraser", z: "undo", c: "clear" })) {
  byId(id).addEventListener("click", ACTIONS[key]);
}
document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase(), isUndo = key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
  const isLetter = !event.ctrlKey && !event.metaKey && !event.altKey && byId("drawing").contains(event.target);
  if (!isUndo && !(isLetter && ACTIONS[key])) return;
  event.preventDefault();
  ACTIONS[key]();
});

// The image, dragged.
let dragged = null;

function shiftTo(down, right) {
  if (!picture.base && !picture.strokes.length) return;
  shift = [down, right].map((n) => Math.min(SIDE - 1, Math.max(1 - SIDE, n)));
  see();
}
input.canvas.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0 || dragged) return;
  input.canvas.setPointerCapture(event.pointerId);
  dragged = { pointerId: event.pointerId, x: event.clientX, y: event.clientY, shift };
});
input.canvas.addEventListener("pointermove", (event) => {
  if (dragged?.pointerId !== event.pointerId) return;
  const pixel = input.canvas.getBoundingClientRect().width / SIDE;
  const next = [dragged.shift[0] + Math.round((event.clientY - dragged.y) / pixel),
    dragged.shift[1] + Math.round((event.clientX - dragged.x) / pixel)];
  if (next[0] !== shift[0] || next[1] !== shift[1]) shiftTo(...next);
});
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
  input.canvas.addEventListener(kind, (event) => { if (dragged?.pointerId === event.pointerId) dragged = null; });
}
input.canvas.addEventListener("keydown", (event) => {
  const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!way && event.key !== "Home") return;
  event.preventDefault();
  shiftTo(...(way ? [shift[0] + way[0], shift[1] + way[1]] : [0, 0]));
});
byId("back").addEventListener("click", () => {
  shiftTo(0, 0);
  input.canvas.focus();  // the button is gone
});

// --- light and dark -------------------------------------------------------------------------------

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function colourAnew() {
  readColours();
  showSheet();
  showGallery();
  see();
}
byId("theme").addEventListener("click", () => {
  const { dataset } = document.documentElement;
  const isDark = dataset.theme ? dataset.theme === "dark" : prefersDark.matches;
  dataset.theme = isDark ? "light" : "dark";
  colourAnew();
});
prefersDark.addEventListener("change", colourAnew);

// --- the gallery ----------------------------------------------------------------------------------

const gallery = model.gallery.map(({ image, label, said }) => ({
  image: Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0)), label, said, pane: paneOf(SIDE, SIDE) }));
for (const { image, label, said, pane } of gallery) {
  const isRight = said === label;
  const words = withArticle(label) + (isRight ? "" : `, which the network takes for ${withArticle(said)}`);
  const button = element("button", { type: "button", title: words, className: isRight ? "" : "wrong" },
    { "aria-label": words }, pane.canvas, ...(isRight ? [] : [`${label} → ${said}`]));
  button.addEventListener("click", () => load(image));
  byId("digits").append(button);
}
byId("gallery-words").hidden = gallery.every(({ label, said }) => said === label);

function showGallery() {
  for (const { image, pane } of gallery) {
    for (let n = 0; n < image.length; n++) pane.pixels[n] = colours.inks[image[n]];
    pane.show();
  }
}

// --- begin ----------------------------------------------------------------------------------------

// For the browser's console, and for tests: page.network.stages, page.looks in milliseconds, ...
const page = { network, Network, sheet, prepare, looks: [], input: () => pixels.map((value) => 256 * value) };
globalThis.page = page;
byId("about").textContent = model.about;
const example = gallery.find(({ label }) => label === 7) || gallery[0];
if (example) picture = { base: example.image, strokes: [], example: true };
readColours();
showGallery();
redraw();
see();
