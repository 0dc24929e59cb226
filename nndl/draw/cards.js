// A card for each stage of the network: what it is, its numbers as pictures, and, where one points at
// one of them, how that number came about.
"use strict";

const byId = (id) => document.getElementById(id);
const model = JSON.parse(byId("network").textContent);
const network = new Network(model, byId("weights").textContent);
const pixels = new Float64Array(SIDE * SIDE);  // what the network received last

// --- what the cards say ---------------------------------------------------------------------------

const SECTION = {
  conv: 'Book: chapter 6, "Introducing convolutional networks".',
  dense: 'Book: chapter 1, "The architecture of neural networks".',
  softmax: 'Book: chapter 3, "Softmax".',
  scale: 'Book: chapter 3, "Other techniques for regularization".',
};
SECTION.pool = SECTION.conv;
const RELATIVES = 'Not in the book; its relatives are in chapter 3, "Other models of artificial neuron".';
const FUNCTIONS = {
  sigmoid: ["Sigmoid", "Every number is squeezed to between 0 and 1: far below zero it becomes 0, far above it 1.",
    'Book: chapter 1, "Sigmoid neurons".'],
  tanh: ["Tanh", "Every number is squeezed to between \u22121 and 1.",
    'Book: chapter 3, "Other models of artificial neuron".'],
  scaled_tanh: ["Scaled tanh", "Every number is squeezed to between \u22121.7 and 1.7.", RELATIVES],
  relu: ["Rectified linear units", "What is below zero becomes 0: what was found goes on, its opposite does not.",
    'Book: chapter 6, "Using rectified linear units".'],
  leaky_relu: ["Leaky ReLU", "What is below zero becomes small, but not 0.", RELATIVES],
  elu: ["ELU", "What is below zero is squeezed towards a limit.", RELATIVES],
  gelu: ["GELU", "What is below zero becomes almost 0, without a corner.", RELATIVES],
};

const isMaps = (stage) => stage.shape.length === 3;
/** Whether a stage's ten numbers are the network's outputs, or what becomes them: one for each digit. */
const isOfDigits = (number) => network.stages.slice(number).every(({ kind, shape }, n) =>
  shape.length === 1 && shape[0] === 10 && (n === 0 || kind !== "dense"));
/** Whether max-pooling follows, which picks some of this stage's numbers and drops the rest. */
const isPicked = (number) => isMaps(network.stages[number]) && network.stages[number + 1]?.how === "max";

/** [heading, what one is looking at, where the book speaks of it]. */
function wordsFor(stage, number) {
  const { kind, shape, shapeIn } = stage;
  const maps = `${shape[0]} maps of ${shape.slice(1).join(" × ")}`;
  const picks = isPicked(number) ? " Strong colours: what the pooling below picks; the rest is dropped." : "";
  if (kind === "conv") {
    const above = shapeIn[0] === 1 ? "the image" : `all ${shapeIn[0]} maps above at once`;
    return [`Convolution: ${maps}`, `Each map is one filter that has looked everywhere in ${above}, through ${
      stage.kernel.join(" × ")} weights${shapeIn[0] > 1 ? " for each map" : ""}. Blue is where it found its feature, `
      + "orange where it found the opposite; full colour is the card's largest number. Point at a place to see the "
      + `filter, and the patch that it looks at.${picks}`, SECTION.conv];
  }
  if (kind === "pool") {
    const window = stage.size.join(" × ");
    return stage.how === "max"
      ? [`Max-pooling: ${maps}`, `Of each ${window} window the largest goes on: that a feature is there matters more `
        + `than exactly where.${picks}`, SECTION.pool]
      : [`L2 pooling: ${maps}`, `Of each ${window} window the root of the sum of squares goes on.${picks}`, SECTION.pool];
  }
  if (kind === "activation") {
    const [name, words, section] = FUNCTIONS[stage.f];
    return [`${name}: ${isMaps(stage) ? maps : `${shape[0]} activations`}`, words + picks, section];
  }
  if (kind === "dense") {
    const inputs = shapeIn.reduce((a, b) => a * b).toLocaleString("en");
    return [`Dense layer: ${shape[0]} neurons`, `Each neuron, one bar of this strip, weighs all ${inputs} numbers of ${
      number ? "the layer above" : "the image"}, wherever they are. Point at one to see its weights.`, SECTION.dense];
  }
  if (kind === "softmax") {
    return ["Softmax: ten probabilities", "Ten numbers become ten that are positive and sum to 1: the bars beside "
      + "your drawing.", SECTION.softmax];
  }
  return ["Dropout, after training", `Now all neurons are there, and so each counts ${stage.factor.toPrecision(2)} times.`,
    SECTION.scale];
}

// --- the cards ------------------------------------------------------------------------------------

/** Put a stage's card on the page; returns {panes, show(unshifted)}. */
function cardFor(stage, number) {
  const [heading, words, section] = wordsFor(stage, number);
  const [count, height, width] = isMaps(stage) ? stage.shape : [1, 1, stage.out.length];
  const all = new Int32Array(stage.out.length), moved = element("span", { className: "moved" });
  const panes = Array.from({ length: count }, (_, k) => paneOf(width, height,
    element("canvas", { className: isMaps(stage) ? "map" : "strip" }),
    all.subarray(k * height * width, (k + 1) * height * width)));
  const row = element("div", { className: "maps", tabIndex: 0 }, { role: "application", "aria-label":
    `${heading}. Arrow keys look at ${isMaps(stage) ? "one map after the other, with Shift at other places in it"
      : "one neuron after the other"}.` }, ...panes.map(({ canvas }) => canvas));
  panes.forEach(({ canvas }, k) => {
    const look = (event) => {
      const box = canvas.getBoundingClientRect();
      const place = (part, n) => Math.min(n - 1, Math.max(0, Math.floor(part * n)));
      lookAt(number, k, place((event.clientY - box.top) / box.height, height),
        place((event.clientX - box.left) / box.width, width));
    };
    canvas.addEventListener("click", look);  // a finger that scrolls is no click
    canvas.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") look(event); });
  });
  row.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") lookAway(); });
  row.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [];
    if (down === undefined) return;
    event.preventDefault();
    const step = down + right, around = (n, length) => (n + length) % length;
    if (looked?.number !== number) lookAt(number, 0, height >> 1, isMaps(stage) ? width >> 1 : 0);
    else if (!isMaps(stage)) lookAt(number, 0, 0, around(looked.c + step, width));
    else if (event.shiftKey) lookAt(number, looked.k, around(looked.r + down, height), around(looked.c + right, width));
    else lookAt(number, around(looked.k + step, count), looked.r, looked.c);
  });
  byId("layers").append(element("section", { className: "card" }, {}, moved,
    element("h2", { textContent: heading }),
    element("p", { className: "words", textContent: `${words} ${section}` }), row));
  if (isOfDigits(number)) {
    row.after(element("div", { className: "labels" }, {}, ...Array.from({ length: 10 }, (_, digit) =>
      element("span", { textContent: digit }))));
  }

  return {
    panes,
    /** unshifted : every stage's numbers before the digit was shifted, or null. */
    show(unshifted) {
      const most = stage.kind === "softmax" ? 1 : largest(stage.out);
      paint(all, stage.out, most, isPicked(number) ? colours.faint : colours.strong);
      if (isPicked(number)) {
        const by = toScale(most);
        for (const place of network.stages[number + 1].winner) {
          all[place] = colours.strong[Math.round(stage.out[place] * by) + 255];
        }
      }
      for (const pane of panes) pane.show();
      write(moved, unshifted ? `changed by ${change(stage.out, unshifted[number])}` : "");
    },
  };
}

/** How far two sets of numbers are apart, in percent of the second's length. */
function change(now, then) {
  let difference = 0, length = 0;
  for (let n = 0; n < now.length; n++) {
    difference += (now[n] - then[n]) ** 2;
    length += then[n] ** 2;
  }
  return length ? `${(100 * Math.sqrt(difference / length)).toFixed(0)} %` : "0 %";
}

// --- looking at one number ------------------------------------------------------------------------

let looked = null;    // {number of the stage, map k, row r, column c} that one points at
const panels = [];    // of the stages that have been looked at: they are made once

function lookAt(number, k, r, c) {
  if (looked && looked.number === number && looked.k === k && looked.r === r && looked.c === c) return;
  markLooked(false);
  looked = { number, k, r, c };
  markLooked(true);
  showLooked();
  const { top, bottom } = cards[number].panes[k].canvas.getBoundingClientRect();
  byId("looked").classList.toggle("above", (top + bottom) / 2 > innerHeight / 2);  // not over what one points at
}

function lookAway() {
  markLooked(false);
  looked = null;
  byId("looked").hidden = true;
}

function markLooked(is) {
  if (looked) cards[looked.number].panes[looked.k].canvas.classList.toggle("looked", is);
}

/** At the window's edge: how the number that one points at came about. */
function showLooked() {
  const { number, k, r, c } = looked, stage = network.stages[number];
  panels[number] ||= PANELS[stage.kind](stage, number ? network.stages[number - 1].out : pixels);
  const [rows, columns] = isMaps(stage) ? stage.shape.slice(1) : [1, stage.out.length];
  const where = isMaps(stage) ? `Map ${k + 1}, row ${r + 1}, column ${c + 1}`
    : isOfDigits(number) ? `Output neuron of digit ${c}` : `Neuron ${c + 1}`;
  write(byId("looked-words"), `${where}: ${panels[number].show((k * rows + r) * columns + c, k, r, c)}`);
  const pictures = byId("looked-pictures");
  if (pictures.stage !== number) {
    pictures.replaceChildren(...panels[number].pictures);
    pictures.stage = number;
  }
  byId("seen").hidden = !isMaps(stage);
  if (isMaps(stage)) showField(network.field(number, r, c));
  byId("looked").hidden = false;
}

const seenImage = paneOf(SIDE, SIDE, byId("seen-image"));

/** The network's image, and a frame around the pixels that the number depends on. */
function showField([top, left, bottom, right]) {
  for (let n = 0; n < pixels.length; n++) seenImage.pixels[n] = colours.inks[256 * pixels[n]];
  seenImage.show();
  put(byId("field"), top, left, bottom - top + 1, right - left + 1);
}

/** Put a frame over an image of SIDE x SIDE: all in its pixels. */
function put(frame, top, left, height, width) {
  const part = (n) => `${100 * n / SIDE}%`;
  Object.assign(frame.style, { top: part(top), left: part(left), height: part(height), width: part(width) });
}

const short = (value) => value.toFixed(Math.abs(value) < 10 ? 3 : 1).replace("-", "\u2212");
const captioned = (words, { canvas }) => element("figure", {}, {}, canvas, element("figcaption", { textContent: words }));

/** For each kind {pictures, show}: show(at, k, r, c) paints them for number `at`, and returns the words. */
const PANELS = {
  conv(stage, above) {
    const [height, width] = stage.kernel, maps = stage.shapeIn[0], size = maps > 10 ? 6 : 9;
    const filter = mosaicOf(maps, height, width, 10, size), patch = mosaicOf(maps, height, width, 10, size);
    const numbers = new Float64Array(stage.patch.length);
    return {
      pictures: [captioned(maps > 1 ? "the filter, for each map above" : "the filter", filter),
        captioned("the patch that it looks at", patch)],
      show(at, k, r, c) {
        filter.paint(stage.w.subarray(k * numbers.length, (k + 1) * numbers.length));
        patch.paint(patchAt(above, stage, r, c, numbers));
        return `filter times patch, the sum of ${numbers.length} products, and the bias ${short(stage.b[k])} make ${
          short(stage.out[at])}.`;
      },
    };
  },
  pool(stage, above) {
    const [height, width] = stage.size, [, rows, columns] = stage.shapeIn;
    const window = mosaicOf(1, height, width, 1, 28), numbers = new Float64Array(height * width);
    return {
      pictures: [captioned("the window", window)],
      show(at, k, r, c) {
        for (let n = 0; n < numbers.length; n++) {
          const row = r * stage.stride[0] + Math.floor(n / width), column = c * stage.stride[1] + n % width;
          numbers[n] = above[(k * rows + row) * columns + column];
        }
        window.paint(numbers, largest(above));
        const list = Array.from(numbers, short).join(", ");
        return stage.how === "max" ? `the largest of ${list} is ${short(stage.out[at])}.`
          : `the root of the sum of the squares of ${list} is ${short(stage.out[at])}.`;
      },
    };
  },
  dense(stage, above) {
    const [maps, rows, columns] = stage.shapeIn.length === 3 ? stage.shapeIn : [above.length, 1, 1];
    const across = rows > 1 ? 20 : 50;
    const weights = mosaicOf(maps, rows, columns, across, maps > 1 ? 6 : 4);
    return {
      pictures: [captioned("its weights: blue speaks for it, orange against it", weights)],
      show(at) {
        weights.paint(stage.w.subarray(at * above.length, (at + 1) * above.length));
        return `its ${above.length} weights times what is above, and the bias ${short(stage.b[at])}, make ${
          short(stage.out[at])}.`;
      },
    };
  },
  activation: (stage, above) => ({ pictures: [], show: (at) =>
    `of ${short(above[at])} the activation function makes ${short(stage.out[at])}.` }),
  softmax: (stage, above) => ({ pictures: [], show: (at) =>
    `e to the ${short(above[at])}, divided by the sum of all ten such powers, is ${short(stage.out[at])}.` }),
  scale: (stage, above) => ({ pictures: [], show: (at) => `${short(above[at])} becomes ${short(stage.out[at])}.` }),
};

const cards = network.stages.map(cardFor);
byId("looked-close").addEventListener("click", lookAway);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") lookAway(); });
