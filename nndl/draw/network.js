// A trained network of nndl, forward only: what nndl/ops/*_numpy.py define, once more in plain
// JavaScript.  Arrays are flat and in reading order, map after map: value (r, c) of map f stands at
// (f * rows + r) * columns + c.  All arithmetic is in doubles.
"use strict";

// --- one function for each kind of layer ----------------------------------------------------------
// Each takes the activations a and its stage, writes stage.out and hands it back.

/** z = w a + b, one row of w for each neuron.  Book (25). */
function dense(a, { w, b, out }) {
  for (let j = 0, at = 0; j < out.length; j++) {
    let z = b[j];
    for (let k = 0; k < a.length; k++) z += w[at++] * a[k];
    out[j] = z;
  }
  return out;
}

/** Feature maps: at each place, each filter times the patch of all maps that it looks at.  Book (125). */
function conv(a, { w, b, out, patch, shape, ...stage }) {
  const [filters, rows, columns] = shape, size = rows * columns;
  for (let r = 0, place = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, place++) {
      patchAt(a, stage, r, c, patch);
      for (let f = 0, at = 0; f < filters; f++) {
        let even = b[f], odd = 0, n = 0;  // two sums, neither of which waits for the other
        for (; n + 1 < patch.length; n += 2, at += 2) {
          even += w[at] * patch[n];
          odd += w[at + 1] * patch[n + 1];
        }
        if (n < patch.length) even += w[at++] * patch[n];
        out[f * size + place] = even + odd;
      }
    }
  }
  return out;
}

/** What the filters see at place (r, c): kernel x kernel numbers of each map, 0 beyond the edge. */
function patchAt(a, { shapeIn, kernel, stride, padding }, r, c, patch) {
  const [maps, rows, columns] = shapeIn, [height, width] = kernel;
  const top = r * stride[0] - padding[0], left = c * stride[1] - padding[1];
  for (let k = 0, n = 0; k < maps; k++) {
    for (let i = top; i < top + height; i++) {
      for (let j = left; j < left + width; j++, n++) {
        const inside = i >= 0 && i < rows && j >= 0 && j < columns;
        patch[n] = inside ? a[(k * rows + i) * columns + j] : 0;
      }
    }
  }
  return patch;
}

/** The largest of each window, or the root of the sum of its squares.  Book ch. 6. */
function pool(a, { out, winner, shapeIn, shape, size, stride, how }) {
  const [, rows, columns] = shapeIn, [maps, outRows, outColumns] = shape;
  for (let k = 0, to = 0; k < maps; k++) {
    for (let r = 0; r < outRows; r++) {
      for (let c = 0; c < outColumns; c++, to++) {
        const corner = (k * rows + r * stride[0]) * columns + c * stride[1];
        let best = -Infinity, where = corner, squares = 0;
        for (let i = 0; i < size[0]; i++) {
          for (let j = 0; j < size[1]; j++) {
            const value = a[corner + i * columns + j];
            squares += value * value;
            if (value > best) { best = value; where = corner + i * columns + j; }  // the first wins
          }
        }
        out[to] = how === "max" ? best : Math.sqrt(squares);
        winner[to] = where;  // its place in a
      }
    }
  }
  return out;
}

/** The activation functions by name; alpha is leaky ReLU's slope, or ELU's scale. */
const ACTIVATIONS = {
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),                        // book (3)
  tanh: (z) => Math.tanh(z),                                     // book (110)
  scaled_tanh: (z) => 1.7159 * Math.tanh(2 / 3 * z),
  relu: (z) => Math.max(0, z),                                   // book (112)
  leaky_relu: (z, alpha) => (z > 0 ? z : alpha * z),
  elu: (z, alpha) => (z > 0 ? z : alpha * Math.expm1(z)),
  gelu: (z) => 0.5 * z * (1 + erf(z * Math.SQRT1_2)),
};

function activation(a, { out, f, alpha }) {
  const sigma = ACTIVATIONS[f];
  for (let k = 0; k < a.length; k++) out[k] = sigma(a[k], alpha);
  return out;
}

/** The error function: 2/sqrt(pi) e^(-x^2) times the sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)). */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);  // the nearest double
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

/** Outputs that are positive and sum to 1.  Book (78). */
function softmax(a, { out }) {
  let largest = -Infinity, sum = 0;
  for (const z of a) largest = Math.max(largest, z);
  for (let k = 0; k < a.length; k++) sum += out[k] = Math.exp(a[k] - largest);
  for (let k = 0; k < a.length; k++) out[k] /= sum;
  return out;
}

/** What a dropout layer does after training where the kept were not scaled up in training. */
function scale(a, { out, factor }) {
  for (let k = 0; k < a.length; k++) out[k] = factor * a[k];
  return out;
}

const KINDS = { dense, conv, pool, activation, softmax, scale };

// --- the network ----------------------------------------------------------------------------------

/** The stages that nndl/draw/stages.py describes, with their weights. */
class Network {
  /**
   * @param {object} description  stages, and the number type of the weights, "float32" or "float64"
   * @param {string} weights      all of them one after the other, little-endian, as base64
   */
  constructor(description, weights) {
    const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
    const all = new (description.dtype === "float64" ? Float64Array : Float32Array)(bytes.buffer);
    this.stages = description.stages.map((stage) => {
      const values = stage.shape.reduce((product, n) => product * n);
      const made = { ...stage, out: new Float64Array(values) };
      if (stage.w) made.w = Float64Array.from(all.subarray(...stage.w));  // stage.w: from, to
      if (stage.b) made.b = Float64Array.from(all.subarray(...stage.b));
      if (stage.kind === "conv") made.patch = new Float64Array(made.w.length / stage.shape[0]);
      if (stage.kind === "pool") made.winner = new Int32Array(values);
      return made;
    });
  }

  /** The last stage's out for 784 pixels; every stage's stays in its `out`. */
  feedforward(a) {
    for (const stage of this.stages) a = KINDS[stage.kind](a, stage);
    return a;
  }

  /** The pixels of the image that a value of a stage's map depends on: [top, left, bottom, right]. */
  field(number, r, c) {
    let box = [r, c, r, c];
    for (let n = number; n >= 0; n--) {
      const stage = this.stages[n];
      const [height, width] = stage.kernel || stage.size || [1, 1];
      const [down, right] = stage.stride || [1, 1], [above, left] = stage.padding || [0, 0];
      box = [box[0] * down - above, box[1] * right - left,
        box[2] * down - above + height - 1, box[3] * right - left + width - 1];
    }
    return [Math.max(0, box[0]), Math.max(0, box[1]), Math.min(27, box[2]), Math.min(27, box[3])];
  }
}
