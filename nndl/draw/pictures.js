// Numbers as pictures: their colours, and canvases of one pixel for each number.
"use strict";

/** An element with properties, attributes and children. */
function element(tag, properties = {}, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Set an element's text, where it is another one: the browser would lay it out anew for the same, too. */
function write(into, text) {
  if (into.textContent !== text) into.textContent = text;
}

// Colours as the numbers that an image's pixels are.  `strong` and `faint` have 511, for -1 to 1;
// `inks` has 256, for the bytes of an image.
const colours = {};

/** Take the page's colours from its style sheet: they are others in the dark. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => style.getPropertyValue(name).match(/[0-9a-f]{2}/gi)
    .map((digits) => parseInt(digits, 16));
  const paper = rgb("--paper"), more = rgb("--more"), less = rgb("--less"), text = rgb("--text");
  const mix = (colour, share) => {
    const [r, g, b] = paper.map((from, n) => Math.round(from + share * (colour[n] - from)));
    return 255 << 24 | b << 16 | g << 8 | r;
  };
  const scaleOf = (strength) => Int32Array.from({ length: 511 }, (_, n) =>
    mix(n < 255 ? less : more, strength * Math.abs(n - 255) / 255));
  colours.strong = scaleOf(1);
  colours.faint = scaleOf(0.3);
  colours.inks = Int32Array.from({ length: 256 }, (_, n) => mix(text, n / 255));
  colours.frame = colours.strong[0];
}

/** A canvas, a new one unless one is handed in, whose pixels `pixels` holds and `show` shows. */
function paneOf(width, height, canvas = element("canvas"), pixels = new Int32Array(width * height)) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const bytes = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, 4 * pixels.length);
  const image = new ImageData(bytes, width, height);
  return { canvas, pixels, width, height, show: (...part) => context.putImageData(image, 0, 0, ...part) };
}

/** What to multiply a value by, so that `most` has the full colour: place value * by + 255 of a scale. */
const toScale = (most) => (most > 0 ? 255 / most : 0);

/** Values as pixels; `most` is the largest of them, signs aside, or more. */
function paint(pixels, values, most, scale = colours.strong) {
  const by = toScale(most);
  for (let n = 0; n < pixels.length; n++) pixels[n] = scale[Math.round(values[n] * by) + 255];
}

/** The largest of the values, signs aside. */
function largest(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/**
 * Several small images of the same size as one, `across` in a row.
 *
 * size : how many CSS pixels wide each of their pixels is, where there is room
 */
function mosaicOf(count, height, width, across, size) {
  const columns = Math.min(count, across), rows = Math.ceil(count / across);
  const gap = width > 1 ? 1 : 0;
  const pane = paneOf(columns * (width + gap) - gap, rows * (height + gap) - gap);
  pane.canvas.style.width = `${pane.width * size}px`;
  return {
    canvas: pane.canvas,
    /** values : of all images, one after the other, each row by row. */
    paint(values, most = largest(values)) {
      const by = toScale(most);
      for (let k = 0, at = 0; k < count; k++) {
        const top = Math.floor(k / across) * (height + gap), left = k % across * (width + gap);
        for (let r = top; r < top + height; r++) {
          for (let c = left; c < left + width; c++, at++) {
            pane.pixels[r * pane.width + c] = colours.strong[Math.round(values[at] * by) + 255];
          }
        }
      }
      pane.show();
    },
  };
}
