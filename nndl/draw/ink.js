// The sheet of paper, and what MNIST's makers did with the digits of theirs before a network saw them.
"use strict";

const SIDE = 28;          // the network's image is SIDE x SIDE
const FINE = 16;          // the sheet has FINE x FINE pixels for each of these
const SHEET = SIDE * FINE;
const DIGIT = 20;         // the box that MNIST's digits fit into

/** Ink on paper: SHEET x SHEET bytes, 0 is paper and 255 is ink. */
class Sheet {
  constructor() {
    this.ink = new Uint8Array(SHEET * SHEET);
  }

  clear() {
    this.ink.fill(0);
  }

  /** A stroke of a round pen or eraser from (x0, y0) to (x1, y1), all in pixels of the sheet. */
  line(x0, y0, x1, y1, radius, erases) {
    const reach = Math.ceil(radius) + 1, last = SHEET - 1;
    const left = Math.max(0, Math.floor(Math.min(x0, x1)) - reach);
    const right = Math.min(last, Math.ceil(Math.max(x0, x1)) + reach);
    const top = Math.max(0, Math.floor(Math.min(y0, y1)) - reach);
    const bottom = Math.min(last, Math.ceil(Math.max(y0, y1)) + reach);
    const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy || 1;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x + 0.5 - x0, py = y + 0.5 - y0;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const covered = Math.min(1, Math.max(0, radius + 0.5 - distance)), at = y * SHEET + x;
        // The pen's edge is soft.  The eraser's is not: it shall leave no ink that nobody sees.
        if (!erases) this.ink[at] = Math.max(this.ink[at], 255 * covered);
        else if (covered) this.ink[at] = 0;
      }
    }
  }

  /** An image of SIDE x SIDE bytes, enlarged. */
  put(image) {
    for (let y = 0; y < SHEET; y++) {
      for (let x = 0; x < SHEET; x++) {
        this.ink[y * SHEET + x] = image[Math.floor(y / FINE) * SIDE + Math.floor(x / FINE)];
      }
    }
  }

  /** The smallest box around all ink, {top, left, bottom, right}, the last two not in it; or null. */
  box() {
    let top = SHEET, left = SHEET, bottom = 0, right = 0;
    for (let y = 0, at = 0; y < SHEET; y++) {
      for (let x = 0; x < SHEET; x++, at++) {
        if (this.ink[at]) {
          if (y < top) top = y;
          if (x < left) left = x;
          if (x >= right) right = x + 1;
          bottom = y + 1;
        }
      }
    }
    return bottom ? { top, left, bottom, right } : null;
  }
}

/**
 * From the sheet to the image that the network receives, in MNIST's two steps: fit the digit into
 * DIGIT x DIGIT pixels without changing its proportions; put its centre of mass at the centre.
 *
 * Returns {box, fitted: {rows, columns, pixels}, mass, top, left, image}: pixels and image are bytes;
 * mass is the fitted digit's centre, [row, column]; top and left say where in the image it stands.
 * Null for an empty sheet.
 */
function prepare(sheet) {
  const box = sheet.box();
  if (box === null) return null;
  const fitted = fit(sheet.ink, box);
  const mass = centreOfMass(fitted);
  const top = place(mass[0], fitted.rows), left = place(mass[1], fitted.columns);
  const image = new Uint8Array(SIDE * SIDE);
  for (let r = 0; r < fitted.rows; r++) {
    for (let c = 0; c < fitted.columns; c++) {
      image[(top + r) * SIDE + left + c] = fitted.pixels[r * fitted.columns + c];
    }
  }
  return { box, fitted, mass, top, left, image };
}

/** The box's ink, its longer side DIGIT pixels: each pixel is the mean of the area that it covers. */
function fit(ink, { top, left, bottom, right }) {
  const step = Math.max(bottom - top, right - left) / DIGIT;  // pixels of the sheet for one of these
  const rows = Math.ceil((bottom - top) / step - 1e-9);
  const columns = Math.ceil((right - left) / step - 1e-9);
  const narrow = Array.from({ length: columns }, () => new Float64Array(bottom - top));
  for (let y = top; y < bottom; y++) {
    const row = ink.subarray(y * SHEET + left, y * SHEET + right);
    for (let c = 0; c < columns; c++) narrow[c][y - top] = sumFrom(row, c * step, (c + 1) * step);
  }
  const pixels = new Uint8Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      pixels[r * columns + c] = Math.round(sumFrom(narrow[c], r * step, (r + 1) * step) / (step * step));
    }
  }
  return { rows, columns, pixels };
}

/** The sum of numbers from one place to another; of a number that is cut, the part that is inside. */
function sumFrom(numbers, from, to) {
  const end = Math.min(to, numbers.length);
  let sum = 0;
  for (let n = Math.floor(from); n < end; n++) {
    sum += numbers[n] * (Math.min(n + 1, end) - Math.max(n, from));
  }
  return sum;
}

/** [row, column], the middle of the first pixel at (0.5, 0.5). */
function centreOfMass({ rows, columns, pixels }) {
  let mass = 0, row = 0, column = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const ink = pixels[r * columns + c];
      mass += ink;
      row += ink * (r + 0.5);
      column += ink * (c + 0.5);
    }
  }
  return mass ? [row / mass, column / mass] : [rows / 2, columns / 2];
}

/** Where n pixels with their centre of mass at `centre` begin: MNIST has it within pixel 14 of 28. */
function place(centre, n) {
  return Math.min(SIDE - n, Math.max(0, Math.ceil(SIDE / 2 - centre)));
}

/** An image moved by whole pixels; what leaves it is gone. */
function shifted(image, down, right) {
  const moved = new Uint8Array(SIDE * SIDE);
  for (let r = Math.max(0, down); r < Math.min(SIDE, SIDE + down); r++) {
    for (let c = Math.max(0, right); c < Math.min(SIDE, SIDE + right); c++) {
      moved[r * SIDE + c] = image[(r - down) * SIDE + c - right];
    }
  }
  return moved;
}
