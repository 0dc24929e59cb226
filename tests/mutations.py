"""Are the tests sharp?  Break each kernel in many small ways, and see which of them notice.

    python -m tests.mutations [--only FAMILY ...] [--jobs N] [--list]

Each mutation below changes one index, sign, bound or condition in a file of nndl/ops, in a copy of
the repository, and runs the tests of that family there.  Most run with NUMBA_DISABLE_JIT=1, where a
kernel is the Python it is written in: nothing is compiled, an index out of bounds raises, and a mutant
takes a second or two.  What only happens between threads runs compiled, under "threads".

The old text must be in its file exactly once: who changes a kernel changes its mutations, and
test_mutations says so at once.  A mutation that no test can notice, because it changes no result, does
not belong here.
"""

# ruff: noqa: E501  the lines of a table

import argparse
import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
# Of large products, which the short path through Python takes long for; small ones stand for them.
SLOW = "not 350000 and not 3000-272"
COMPILED = "ends_in_the_same_bits or same_bits_for_any_number"
SECONDS = 120           # a mutant that makes a loop endless is killed, too
SECONDS_COMPILED = 400


class Mutation(NamedTuple):
    """One small mistake in one file of nndl/ops."""

    family: str
    file: str
    old: str
    new: str
    tests: tuple

    @property
    def compiled(self):
        """Whether it runs with Numba's compiler, since it is about threads."""
        return self.family == "threads"


def mutations():
    """All of them."""
    for (family, tests), mistakes in MISTAKES.items():
        file = family if family == "jit" else f"{family}_numba"
        for mistake in mistakes:
            *other, old, new = mistake
            yield Mutation(family, f"{other[0] if other else file}.py", old, new, tests.split())


def kernels(file):
    """The names of the kernels in a file of nndl/ops."""
    text = (ROOT / "nndl" / "ops" / file).read_text(encoding="utf-8")
    return re.findall(r"^@\w*kernel\ndef (\w+)", text, re.MULTILINE)


def kernel_of(mutation):
    """The name of the function that a mutation is in."""
    text = (ROOT / "nndl" / "ops" / mutation.file).read_text(encoding="utf-8")
    before = text[:text.index(mutation.old) + len(mutation.old)]
    return (re.findall(r"^def (\w+)", before, re.MULTILINE) or ["a constant"])[-1]


MISTAKES = {
    ("jit", "ops/test_jit.py ops/test_dense.py"): [
        ("return block * n // BLOCKS", "return block * n // (BLOCKS + 1)"),
        ("x[first(block, x.size):first(block + 1, x.size)]",
         "x[first(block, x.size):first(block + 1, x.size - 1)]"),
        ("x[first(block, x.size):", "x[first(block, x.size) + 1:"),
        ('be compiled as a parallel loop.)"""\n    x[:] = 0',
         'be compiled as a parallel loop.)"""\n    x[1:] = 0'),
        ("fours = start + (stop - start) // 4 * 4", "fours = stop // 4 * 4"),
        ("fours = start + (stop - start) // 4 * 4", "fours = start + (stop - start + 3) // 4 * 4"),
        ("for q in range(start, fours, 4):", "for q in range(start, fours, 5):"),
        ("for q in range(start, fours, 4):", "for q in range(start + 4, fours, 4):"),
        ("t, s = (at + u * target_step) & NOT_NEGATIVE, u * source_step",
         "t, s = (at + u * source_step) & NOT_NEGATIVE, u * source_step"),
        ("t, s = (at + u * target_step) & NOT_NEGATIVE, u * source_step",
         "t, s = (at + u * target_step) & NOT_NEGATIVE, u * target_step"),
        ("(begin[q + 1] + s) & NOT_NEGATIVE", "(begin[q] + s) & NOT_NEGATIVE"),
        ("(begin[q + 3] + s) & NOT_NEGATIVE", "begin[q + 3] & NOT_NEGATIVE"),
        ("d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 3]",
         "d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 2]"),
        ("+ d2 * source[s2 + i]", "- d2 * source[s2 + i]"),
        ("target[t + i] += (d0", "target[t + i] = (d0"),
        ("for q in range(fours, stop):", "for q in range(fours + 1, stop):"),
        ("for q in range(fours, stop):\n        for u in range(rows):\n            t = (at + u * target_step)",
         "for q in range(fours, stop):\n        for u in range(rows):\n            t = (at + u)"),
        ("(begin[q] + u * source_step) & NOT_NEGATIVE, d[q]", "(begin[q] + u) & NOT_NEGATIVE, d[q]"),
        ("target[t + i] += d0 * source[s0 + i]", "target[t + i] = d0 * source[s0 + i]"),
        ("if have is not None and have.shape == shape and have.dtype == dtype:",
         "if have is not None and have.shape == shape:"),
        ("memory is None or memory.size < size or", "memory is None or memory.size <= size or"),
        ("memory.size < size or memory.dtype != dtype", "memory.size < size"),
        ("key = [(x.shape, x.dtype) for x in arrays], options", "key = [x.shape for x in arrays], options"),
        ("key = [(x.shape, x.dtype) for x in arrays], options",
         "key = [(x.shape, x.dtype) for x in arrays]"),
        ("return rows if few < MOST_ROWS <= rows", "return rows if few < MOST_ROWS < rows"),
        ("return rows if few < MOST_ROWS <= rows", "return rows if few <= MOST_ROWS <= rows"),
        ("max(1, min(few, rows, MOST_ROWS))", "max(1, min(few, rows))"),
        ("max(1, min(few, rows, MOST_ROWS))", "min(few, rows, MOST_ROWS)"),
        ("target[t] = source[t]", "target[t] = -source[t]"),
        ("target[t] += source[t]", "target[t] = source[t]"),
        ("copy_to(part, share(block, shares[0]))", "copy_to(part, share(0, shares[0]))"),
        ("for other in range(1, BLOCKS):", "for other in range(2, BLOCKS):"),
        ("add_to(part, share(block, shares[other]))", "add_to(part, share(block, shares[1]))"),
    ],
    ("conv", "ops/test_conv.py ops/test_conv_pool.py"): [
        ("SHORT_ROW = 16", "SHORT_ROW = 15"),
        ("SHORT_ROW = 16", "SHORT_ROW = 17"),
        ("band = min(oh, SMALL_PRODUCT // (ow * k * f) or oh)",
         "band = min(oh, SMALL_PRODUCT // (ow * k * f) or 1)"),
        ("band = min(oh, SMALL_PRODUCT // (ow * k * f) or oh)",
         "band = min(oh, SMALL_PRODUCT // (ow * k) or oh)"),
        ("band = -(-oh // -(-oh // band))", "band = oh // -(-oh // band)"),
        ("    xp[:] = 0\n", ""),
        ("xp[:, ph:ph + x.shape[1], pw:pw + x.shape[2]] = x",
         "xp[:, pw:pw + x.shape[1], ph:ph + x.shape[2]] = x"),
        ("for p in range(0, maps.shape[0], band * ow):", "for p in range(0, maps.shape[0], ow):"),
        ("k = w_columns.shape[0]\n    for p in range(0, maps.shape[0], band * ow):",
         "k = w_columns.shape[0]\n    for p in range(band * ow, maps.shape[0], band * ow):"),
        ("ow, p, by_number)\n            np.dot(by_number.T", "ow, 0, by_number)\n            np.dot(by_number.T"),
        ("ow, p, by_pixel)\n            np.dot(by_pixel", "ow, 0, by_pixel)\n            np.dot(by_pixel"),
        ("ow, p, by_number)\n            turned", "ow, 0, by_number)\n            turned"),
        ("ow, p, by_pixel)\n            np.dot(some.T", "ow, 0, by_pixel)\n            np.dot(some.T"),
        ("nabla_w[j, t] += turned[t, j]", "nabla_w[j, t] = turned[t, j]"),
        ("for j in range(f):\n                for t in range(k):",
         "for j in range(f):\n                for t in range(k - 1):"),
        ("add_to(nabla_w.reshape(f * k), product)", "copy_to(nabla_w.reshape(f * k), product)"),
        ("    dx[:] = 0\n    k = w.shape[1]", "    k = w.shape[1]"),
        ("rows_to_patches(by_pixel, kh, kw, sh, sw, ow, p, dx)",
         "rows_to_patches(by_pixel, kh, kw, sh, sw, ow, 0, dx)"),
        ("np.dot(some, w, by_pixel)", "np.dot(-some, w, by_pixel)"),
        ("for p in range(start, start + rows.shape[0]):", "for p in range(start, rows.shape[0]):"),
        ("run_start(p // ow * sh + u, p % ow * sw, x)", "run_start(p // ow * sw + u, p % ow * sw, x)"),
        ("run_start(p // ow * sh + u, p % ow * sw, x)", "run_start(p // ow * sh + u, p % ow * sh, x)"),
        ("to += run", "to += kw"),
        ("for t in range(run):\n                cols", "for t in range(run - 1):\n                cols"),
        ("flat, step = x.reshape(x.size), sw * c", "flat, step = x.reshape(x.size), sw"),
        ("row, shift = start // ow * sh + t // (kw * c), t % (kw * c)",
         "row, shift = start // ow + t // (kw * c), t % (kw * c)"),
        ("row, shift = start // ow * sh + t // (kw * c), t % (kw * c)",
         "row, shift = start // ow * sh + t // kw, t % (kw * c)"),
        ("row, shift = start // ow * sh + t // (kw * c), t % (kw * c)",
         "row, shift = start // ow * sh + t // (kw * c), t % c"),
        ("row += sh", "row += sw"),
        ("shifted[j] = flat[begin + j * step]", "shifted[j] = flat[begin + j]"),
        ("i, j = (start + p) // ow, (start + p) % ow", "i, j = p // ow, p % ow"),
        ("run_start(i * sh + u, j * sw, dx)", "run_start(i * sw + u, j * sw, dx)"),
        ("rows[p, u * run:(u + 1) * run]", "rows[p, :run]"),
        ("(row * image.shape[1] + column) * image.shape[2]", "(row * image.shape[0] + column) * image.shape[2]"),
        ("patches_to_rows(x[e], kh, kw, sh, sw, rows.shape[2], 0, row)",
         "patches_to_rows(x[e], kw, kh, sh, sw, rows.shape[2], 0, row)"),
        ("            clear(dx[e])\n", ""),
        ("rows_to_patches(row, kh, kw, sh, sw, rows.shape[2], 0, dx[e])",
         "rows_to_patches(row, kh, kw, sw, sh, rows.shape[2], 0, dx[e])"),
        ("for p in range(z.shape[1]):\n                add_to", "for p in range(1, z.shape[1]):\n                add_to"),
        ("        clear(w_share[block])\n", ""),
        ("        clear(b_share[block])\n", ""),
        ("for p in range(dz.shape[1]):\n                add_to", "for p in range(1, dz.shape[1]):\n                add_to"),
        ("input_gradient_of_all(dz[e], w, kh", "input_gradient_of_all(dz[0], w, kh"),
    ],
    ("conv_pool", "ops/test_conv_pool.py"): [
        ("EXAMPLES_AT_ONCE = 4", "EXAMPLES_AT_ONCE = -4"),
        ("if kw * c < SHORT_ROW:", "if kw * c <= SHORT_ROW:"),
        ("by_places = w.shape[3] * w.shape[1] < SHORT_ROW", "by_places = w.shape[3] * w.shape[1] <= SHORT_ROW"),
        ("by_places = w.shape[3] * w.shape[1] < SHORT_ROW", "by_places = w.shape[2] * w.shape[1] < SHORT_ROW"),
        ("places = window(*size, maps[1] * f, f)", "places = window(*size, maps[0] * f, f)"),
        ("return pool_stride[0] * sh, pool_stride[1] * sw, window", "return pool_stride[0] * sh, pool_stride[1] * sh, window"),
        ("return pool_stride[0] * sh, pool_stride[1] * sw, window", "return pool_stride[0], pool_stride[1] * sw, window"),
        ("window(*size, sh * width * c, sw * c)", "window(*size, sw * width * c, sw * c)"),
        ("window(*size, sh * width * c, sw * c)", "window(*size, sh * width * c, c)"),
        ("step_h, step_w = pool_stride[0] * stride[0], pool_stride[1] * stride[1]",
         "step_h, step_w = pool_stride[0] * stride[0], pool_stride[0] * stride[1]"),
        ("height, width = -(-h // step_h), -(-w // step_w)", "height, width = -(-h // step_h), w // step_w"),
        ("height, width = -(-h // step_h), -(-w // step_w)", "height, width = h // step_h, -(-w // step_w)"),
        ("n = (oh - 1) * width + ow", "n = oh * ow"),
        ("n = max(EXAMPLES_AT_ONCE * oh * ow, size[0] * size[1] * f)", "n = max(oh * ow, size[0] * size[1] * f)"),
        ("n = max(EXAMPLES_AT_ONCE * oh * ow, size[0] * size[1] * f)", "n = EXAMPLES_AT_ONCE * oh * ow"),
        # forward
        ("max_of_windows(maps[thread], places, step_h, step_w, pooled[e], winner[e])",
         "max_of_windows(maps[thread], places, step_w, step_h, pooled[e], winner[e])"),
        ("k // size_w * sh, k % size_w * sw, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T",
         "k // size_h * sh, k % size_w * sw, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T"),
        ("k // size_w * sh, k % size_w * sw, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T",
         "k // size_w * sh, k % size_w, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T"),
        ("keep_largest(maps[thread], k, thinned.shape[5], pooled[e]",
         "keep_largest(maps[thread], k, thinned.shape[4], pooled[e]"),
        ("for j in range(z.shape[1]):\n            add_to(z[i, j], b)",
         "for j in range(1, z.shape[1]):\n            add_to(z[i, j], b)"),
        ("activate(kind, alpha, z.reshape(z.size), z.reshape(z.size))",
         "activate(kind, -alpha, z.reshape(z.size), z.reshape(z.size))"),
        ("(h - r + step_h - 1) // step_h", "h // step_h"),
        ("(w - s + step_w - 1) // step_w", "(w - s) // step_w"),
        ("x[i * step_h + r, j * step_w + s, channel]", "x[i * step_h + r, j * step_w + s, 0]"),
        ("x[i * step_h + r, j * step_w + s, channel]", "x[i * step_h, j * step_w + s, channel]"),
        ("    thinned[:] = 0\n", ""),
        ("image = (channel * step_h + u % step_h) * step_w + v % step_w",
         "image = (channel * step_w + u % step_h) * step_w + v % step_w"),
        ("image = (channel * step_h + u % step_h) * step_w + v % step_w",
         "image = (channel * step_h + u % step_h) * step_w + u % step_w"),
        ("begin = (image * height + u // step_h) * width + v // step_w",
         "begin = (image * width + u // step_h) * width + v // step_w"),
        ("begin = (image * height + u // step_h) * width + v // step_w",
         "begin = (image * height + u // step_h) * width + v // step_h"),
        ("for v in range(column, column + kw):", "for v in range(row, row + kw):"),
        ("wins = here[t] > largest[t] or", "wins = here[t] >= largest[t] or"),
        ("wins = here[t] > largest[t] or (here[t] != here[t] and largest[t] == largest[t])",
         "wins = here[t] > largest[t]"),
        ("(here[t] != here[t] and largest[t] == largest[t])", "here[t] != here[t]"),
        ("            which[:] = 0\n", ""),
        ("maps[i * width:i * width + z.shape[1]]", "maps[i * z.shape[1]:(i + 1) * z.shape[1]]"),
        ("which[t] = k if wins", "which[t] = k - 1 if wins"),
        # backward
        ("dz = activation_backward(d_pooled, pooled, None,", "dz = activation_backward(d_pooled, d_pooled, None,"),
        ("start, stop = first(block, filters), first(block + 1, filters)",
         "start, stop = first(block, filters), first(block + 1, filters - 1)"),
        ("        clear(nabla_w[start:stop])\n", ""),
        ("        clear(nabla_b[start:stop])\n", ""),
        ("for e in range(0, m, EXAMPLES_AT_ONCE):", "for e in range(0, m, EXAMPLES_AT_ONCE + 1):"),
        ("for e in range(0, m, EXAMPLES_AT_ONCE):", "for e in range(0, m, EXAMPLES_AT_ONCE - 1):"),
        ("x_some = x[e:e + EXAMPLES_AT_ONCE]", "x_some = x[0:EXAMPLES_AT_ONCE]"),
        ("for e in range(first(block, m), first(block + 1, m)):",
         "for e in range(first(block, m), first(block + 1, m - 1)):"),
        ("        clear(w_share[block])\n", ""),
        ("        clear(b_share[block])\n", ""),
        ("        clear(maps[thread])\n", ""),
        ("pooled[e].reshape(one.size),\n                 one", "pooled[0].reshape(one.size),\n                 one"),
        ("hand_to_place(one, winner[e], k, thinned.shape[5], maps[thread])",
         "hand_to_place(one, winner[0], k, thinned.shape[5], maps[thread])"),
        ("add_to(w_share[block, t], product[thread, t])", "copy_to(w_share[block, t], product[thread, t])"),
        ("for j in range(one.shape[1]):", "for j in range(one.shape[1] - 1):"),
        ("    nabla_w[:] = 0\n    nabla_b[:] = 0\n", "    nabla_b[:] = 0\n"),
        ("    nabla_w[:] = 0\n    nabla_b[:] = 0\n", "    nabla_w[:] = 0\n"),
        ("for block in range(BLOCKS):", "for block in range(1, BLOCKS):"),
        ("nabla_w[f, t] += w_share[block, t, f]", "nabla_w[f, t] = w_share[block, t, f]"),
        ("maps[i * width:i * width + dz.shape[1]]", "maps[i * dz.shape[1]:(i + 1) * dz.shape[1]]"),
        ("here[t] = d[t] if which[t] == k else 0", "here[t] = d[t] if which[t] >= k else 0"),
        ("begin[n] = e * size + i * row + j * column", "begin[n] = i * row + j * column"),
        ("begin[n] = e * size + i * row + j * column", "begin[n] = e * size + i * row + j * row"),
        ("n += gradient != 0", "n += gradient > 0"),
        ("x.shape[2] * x.shape[3] * step_h, x.shape[3] * step_w",
         "x.shape[2] * x.shape[3] * step_w, x.shape[3] * step_w"),
        ("x.shape[2] * x.shape[3] * step_h, x.shape[3] * step_w",
         "x.shape[1] * x.shape[3] * step_h, x.shape[3] * step_w"),
        ("nabla_b[f] += d[q]", "nabla_b[f] = d[q]"),
        ("f * kh * run, run, x.reshape", "f * kw * run, run, x.reshape"),
        ("begin, width, d,\n                0, n, kh, run)", "begin, run, d,\n                0, n, kh, run)"),
        ("begin, width, d,\n                0, n, kh, run)", "begin, width, d,\n                0, n - 1, kh, run)"),
        ("    dx[:] = 0\n    run, width, filters", "    run, width, filters"),
        ("            counts[:] = 0\n", ""),
        ("n = k * filters + counts[k]", "n = k + counts[k]"),
        ("d[n], begin[n] = gradient, f * kh * run", "d[n], begin[n] = gradient, f * run"),
        ("counts[k] += gradient != 0", "counts[k] += gradient > 0"),
        ("corner = i * step_h * width + j * step_w * dx.shape[2]",
         "corner = i * step_w * width + j * step_w * dx.shape[2]"),
        ("corner = i * step_h * width + j * step_w * dx.shape[2]",
         "corner = i * step_h * width + j * step_h * dx.shape[2]"),
        ("k * filters, k * filters + counts[k], kh, run)", "k * filters, k * filters + counts[k] - 1, kh, run)"),
    ],
    ("pool", "ops/test_pool.py"): [
        ("np.add.outer(np.arange(kh) * row, np.arange(kw) * column)",
         "np.add.outer(np.arange(kh) * column, np.arange(kw) * row)"),
        ("corner = (i * sh * x.shape[1] + j * sw) * x.shape[2]",
         "corner = (i * sw * x.shape[1] + j * sw) * x.shape[2]"),
        ("corner = (i * sh * x.shape[1] + j * sw) * x.shape[2]",
         "corner = (i * sh * x.shape[0] + j * sw) * x.shape[2]"),
        ("range(len(places) - 1, -1, -1)", "range(len(places) - 1, 0, -1)"),
        ("here[c] >= largest[c]", "here[c] > largest[c]"),
        ("or here[c] != here[c]:", "or False:"),
        ("if k == len(places) - 1 or", "if k == len(places) or"),
        ("which[c] = k\n", "which[c] = k // 2\n"),
        ("max_of_windows(x[e], places, sh, sw, pooled[e], winner[e])",
         "max_of_windows(x[0], places, sh, sw, pooled[e], winner[e])"),
        ("    dx[:] = 0\n    for i in range(d_pooled", "    for i in range(d_pooled"),
        ("corner = (i * sh * dx.shape[1] + j * sw) * d.size", "corner = (i * sh * dx.shape[1] + j * sh) * d.size"),
        ("here[c] += d[c] if which[c] == k else 0", "here[c] = d[c] if which[c] == k else 0"),
        ("here[c] += d[c] if which[c] == k else 0", "here[c] += d[c] if which[c] <= k else 0"),
        ("hand_to_winners(d_pooled[e], winner[e],", "hand_to_winners(d_pooled[e], winner[0],"),
        ("    clear(pooled)\n", ""),
        ("total, corner = pooled[i, j], (i * sh * x.shape[1] + j * sw) * c",
         "total, corner = pooled[i, j], (i * sw * x.shape[1] + j * sw) * c"),
        ("total, corner = pooled[i, j], (i * sh * x.shape[1] + j * sw) * c",
         "total, corner = pooled[i, j], (i * sh * x.shape[0] + j * sw) * c"),
        ("total[t] += here[t] * here[t]", "total[t] += here[t]"),
        ("total[t] += here[t] * here[t]", "total[t] = here[t] * here[t]"),
        ("total[t] = math.sqrt(total[t])", "total[0] = math.sqrt(total[0])"),
        ("    clear(dx)\n", ""),
        ("d, norm, corner = d_pooled[i, j], pooled[i, j], (i * sh * x.shape[1] + j * sw) * c",
         "d, norm, corner = d_pooled[i, j], pooled[i, j], (i * sh * x.shape[1] + j * sh) * c"),
        ("d, norm, corner = d_pooled[i, j], pooled[i, j],", "d, norm, corner = d_pooled[0, j], pooled[i, j],"),
        ("dx_here[t] += d[t] / norm[t] * here[t]", "dx_here[t] = d[t] / norm[t] * here[t]"),
        ("dx_here[t] += d[t] / norm[t] * here[t]", "dx_here[t] += d[t] * norm[t] * here[t]"),
        ("if norm[t] != 0 else 0", "if norm[t] > 1 else 0"),
        ("norm_of_windows(x[e], places, sh, sw, pooled[e])", "norm_of_windows(x[0], places, sh, sw, pooled[e])"),
        ("hand_by_share(d_pooled[e], x[e], pooled[e],", "hand_by_share(d_pooled[e], x[e], pooled[0],"),
    ],
    ("dense", "ops/test_dense.py"): [
        ("MANY_EXAMPLES = 64", "MANY_EXAMPLES = 0"),
        ("min(BLOCKS, -(-m // MANY_EXAMPLES)) if m >= MANY_EXAMPLES and m > n_out",
         "min(BLOCKS, -(-m // MANY_EXAMPLES)) if m > MANY_EXAMPLES and m > n_out"),
        ("min(BLOCKS, -(-m // MANY_EXAMPLES)) if m >= MANY_EXAMPLES and m > n_out",
         "min(BLOCKS, -(-m // MANY_EXAMPLES)) if m >= MANY_EXAMPLES and m >= n_out"),
        ("min(BLOCKS, -(-m // MANY_EXAMPLES))", "-(-m // MANY_EXAMPLES)"),
        ("min(BLOCKS, -(-m // MANY_EXAMPLES))", "min(BLOCKS, m // MANY_EXAMPLES)"),
        ("(pieces * (rows * BLOCKS < n_out), m, n_in)", "(pieces * (rows * BLOCKS < n_out - 1), m, n_in)"),
        ("if one_share.size:", "if False:"),
        ("np.dot(by_neuron[j:end].T, w[j:end], da_share[block])  # BP2",
         "np.dot(-by_neuron[j:end].T, w[j:end], da_share[block])  # BP2"),
        ("for j in range(start, stop, rows):\n            end = min(j + rows, stop)\n            np.dot(w[j:end]",
         "for j in range(start, stop, rows + 1):\n            end = min(j + rows, stop)\n            np.dot(w[j:end]"),
        ("z[i, j] = by_neuron[j, i] + b[j]", "z[i, j] = by_neuron[j, i]"),
        ("for j in range(start, stop):\n                z[i, j]", "for j in range(start + 1, stop):\n                z[i, j]"),
        ("start, stop = block * a.shape[0] // blocks, (block + 1) * a.shape[0] // blocks",
         "start, stop = block * a.shape[0] // blocks, (block + 1) * a.shape[0] // BLOCKS"),
        ("np.dot(a[start:stop], w.T, z[start:stop])\n        for i in range(start, stop):",
         "np.dot(a[start:stop], w.T, z[start:stop])\n        for i in range(start, stop - 1):"),
        ("add_to(z[i], b)", "add_to(z[start], b)"),
        ("start, stop = block * delta.shape[0] // blocks, (block + 1) * delta.shape[0] // blocks",
         "start, stop = block * delta.shape[0] // BLOCKS, (block + 1) * delta.shape[0] // BLOCKS"),
        ("for i in range(start, stop, rows):", "for i in range(start, stop, rows + 1):"),
        ("end = min(i + rows, stop)", "end = min(i + rows, stop - 1)"),
        ("            clear(da_share[block])\n", "            pass\n"),
        ("for j in range(start, stop, rows):\n            end = min(j + rows, stop)\n            np.dot(by_neuron",
         "for j in range(start, stop, rows + 1):\n            end = min(j + rows, stop)\n            np.dot(by_neuron"),
        ("add_product(by_neuron[j:end], w[j:end], one_share", "add_product(by_neuron[j:end], -w[j:end], one_share"),
        ("by_neuron[j, i] = delta[i, j]", "by_neuron[j, i] = delta[i, 0]"),
        ("total += delta[i, j]", "total += abs(delta[i, j])"),
        ("nabla_b[j] = total", "nabla_b[j] = total / delta.shape[0]"),
        ("add_to(da.reshape(da.size), product.reshape(da.size))",
         "add_to(da.reshape(da.size)[1:], product.reshape(da.size)[1:])"),
    ],
    ("dense_step", "ops/test_dense_step.py"): [
        ("if len(a) >= MANY_EXAMPLES:", "if len(a) > MANY_EXAMPLES:"),
        ("rows = min(MOST_ROWS, rows_at_once(-(-n_out // BLOCKS), m * n_in))",
         "rows = rows_at_once(-(-n_out // BLOCKS), m * n_in)"),
        ("(THREADS, max(m, rows)), a.dtype)", "(THREADS, rows), a.dtype)"),
        ("(THREADS, max(m, rows)), np.int64)", "(THREADS, m), np.int64)"),
        ("new_w, _ = sgd_step(w, nabla_w, None, eta, l2, l1,", "new_w, _ = sgd_step(w, nabla_w, None, eta, l1, l2,"),
        ("new_b, _ = sgd_step(b, nabla_b, None, eta, out", "new_b, _ = sgd_step(b, nabla_b, None, eta, l2, out"),
        ("if np.count_nonzero(delta) < SPARSE * delta.size:", "if np.count_nonzero(delta) > SPARSE * delta.size:"),
        ("SPARSE = 0.35", "SPARSE = 0.0"),
        ("step_down(b[start:stop], nabla_b[start:stop], none, eta, zero, zero, zero)",
         "step_down(b[start:stop], nabla_b[start:stop], none, eta, l2, zero, zero)"),
        ("none, eta, zero, zero, zero)\n        if da_share.size:\n            clear(da_share[block])\n",
         "none, eta, zero, zero, zero)\n"),
        ("for j in range(start, stop, rows):\n            end = min(j + rows, stop)\n            some",
         "for j in range(start, stop, rows + 1):\n            end = min(j + rows, stop)\n            some"),
        ("add_product(by_neuron[j:end], w[j:end], one_share", "add_product(by_neuron[j:end], w[start:start + end - j], one_share"),
        ("np.dot(by_neuron[j:end], a, some) ", "np.dot(by_neuron[j:end], -a, some) "),
        ("none, eta, l2, l1, zero)", "none, eta, l1, l2, zero)"),
        ("some.reshape(n), none, eta, l2,", "some.reshape(n), none, eta / 2, l2,"),
        ("start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])\n        if da_share.size:\n"
         "            clear(da_share[block])\n",
         "start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])\n"),
        ("hand_back(delta, w, j, end,", "hand_back(delta, w, start, end,"),
        ("            if da_share.size:\n"
         "                hand_back(delta, w, j, end, d[thread], begin[thread], da_share[block])   # BP2\n"
         "            for neuron in range(j, end):\n"
         "                nabla_b[neuron] = learn(delta, a, w[neuron], neuron, eta, l2, l1,        # BP4\n"
         "                                        d[thread], begin[thread])                        # and BP3\n",
         "            for neuron in range(j, end):\n"
         "                nabla_b[neuron] = learn(delta, a, w[neuron], neuron, eta, l2, l1,        # BP4\n"
         "                                        d[thread], begin[thread])                        # and BP3\n"
         "            if da_share.size:\n"
         "                hand_back(delta, w, j, end, d[thread], begin[thread], da_share[block])   # BP2\n"),
        ("for neuron in range(j, end):", "for neuron in range(j + 1, end):"),
        ("step_down(b[start:stop], nabla_b[start:stop], nabla_b[:0], eta, zero, zero, zero)",
         "step_down(b[start:stop], nabla_b[start:stop], nabla_b[:0], eta, zero, l1, zero)"),
        ("d[n], begin[n] = delta[i, j], j * n_in", "d[n], begin[n] = delta[i, j], (j - start) * n_in"),
        ("n += delta[i, j] != 0", "n += delta[i, j] > 0"),
        ("i * n_in, 0, w.reshape(w.size), begin, 0, d, 0, n, 1, n_in)",
         "0, 0, w.reshape(w.size), begin, 0, d, 0, n, 1, n_in)"),
        ("i * n_in, 0, w.reshape(w.size), begin, 0, d, 0, n, 1, n_in)",
         "i * n_in, 0, w.reshape(w.size), begin, 0, d, 0, n, 1, n_in - 1)"),
        ("d[n], begin[n] = -eta * delta[i, neuron], i * n_in", "d[n], begin[n] = eta * delta[i, neuron], i * n_in"),
        ("total += delta[i, neuron]", "total = delta[i, neuron]"),
        ("n += delta[i, neuron] != 0", "n += delta[i, neuron] > 0"),
        ("if l2 != 0 or l1 != 0:", "if l2 != 0 and l1 != 0:"),
        ("a.reshape(a.size), begin, 0, d, 0, n, 1, n_in)", "a.reshape(a.size), begin, 0, d, 1, n, 1, n_in)"),
        ("w[t] -= l2 * w[t] + l1 * sign", "w[t] -= l2 * w[t] - l1 * sign"),
        ("w[t] -= l2 * w[t] + l1 * sign", "w[t] -= l2 + l1 * sign"),
        ("sign = one if w[t] > 0 else -one", "sign = one if w[t] >= 0 else -one"),
    ],
    ("dense_epoch", "ops/test_dense_epoch.py"): [
        ("some = order[start:start + mini_batch_size]", "some = order[:mini_batch_size]"),
        ("            return start\n", "            return start + m\n"),
        ("delta, eta / m, l2, l1,", "delta, eta / mini_batch_size, l2, l1,"),
        ("delta, eta / m, l2, l1,", "delta, eta / m, l1, l2,"),
        ("number(1 / 256 if images.dtype == np.uint8 else 1)", "number(1 / 255 if images.dtype == np.uint8 else 1)"),
        ("image, row = images[some[i]], a[i * n_in:(i + 1) * n_in]",
         "image, row = images[i], a[i * n_in:(i + 1) * n_in]"),
        ("row[t] = image[t] * scale", "row[t] = image[t]"),
        ("at += w.size + n_out", "at += w.size"),
        ("here += inputs.size", "here += n_in"),
        ("b = theta[at + w.size:at + w.size + n_out]", "b = theta[at:at + n_out]"),
        ("z[i, j] += b[j]", "z[i, j] -= b[j]"),
        ("if kinds[layer] == SOFTMAX:", "if layer == kinds.size - 1:"),
        ("y = rows[which[some[i]]]", "y = rows[which[i]]"),
        ("a[i * n_out + j] - y[j]", "y[j] - a[i * n_out + j]"),
        ("    if not matched:\n", "    if matched:\n"),
        ("return np.isfinite(delta.sum())", "return not np.isnan(delta.sum())"),
        ("here -= m * n_in\n", "here -= m * n_out\n"),
        ("turn = (kinds.size - 1 - layer) % 2", "turn = layer % 2"),
        ("delta[1 - turn, :m * n_in]", "delta[turn, :m * n_in]"),
        ("back(kinds[layer - 1], zero, da, inputs, da)", "back(kinds[layer], zero, da, inputs, da)"),
        ("                    nabla_b[j] = 0\n".replace("        ", "", 1), ""),
        ("for i in range(m):\n                nabla_b[j]", "for i in range(1, m):\n                nabla_b[j]"),
        ("step_down(w, gradient, w[:0], eta, l2, l1, zero)", "step_down(w, gradient, w[:0], eta, l2, zero, zero)"),
        ("step_down(b, nabla_b[:n_out], w[:0], eta, zero, zero, zero)",
         "step_down(b, nabla_b[:n_out], w[:0], eta, l2, zero, zero)"),
    ],
    ("update", "ops/test_update.py"): [
        ("            if out is not x:\n                out[...] = x\n", ""),
        ("if np.may_share_memory(memory, out):", "if True:"),
        ("    if not np.may_share_memory(result, out):\n        out[...] = in_logical_order(result)\n", ""),
        ("step_down(share(block, w), share(block, nabla_w), share(block, v), eta",
         "step_down(share(block, w), share(block, nabla_w), share(0, v), eta"),
        ("sign = one if w[i] > 0 else -one", "sign = one if w[i] >= 0 else -one"),
        ("-one if w[i] < 0 else one - one", "one - one"),
        ("step = -eta * nabla_w[i]", "step = eta * nabla_w[i]"),
        ("- l2 * w[i]", "+ l2 * w[i]"),
        ("- l1 * sign", "- l1"),
        ("step += mu * v[i]", "step += v[i]"),
        ("            v[i] = step\n", ""),
        ("w[i] += step", "w[i] -= step"),
        ("for i in range(w.size):", "for i in range(1, w.size):"),
    ],
    ("activation", "ops/test_activation.py"): [
        ("def _forward(kind, alpha, z, a):\n    for block in prange(BLOCKS):",
         "def _forward(kind, alpha, z, a):\n    for block in prange(1, BLOCKS):"),
        ("back(kind, alpha, share(block, da), share(block, a), share(block, dz))",
         "back(kind, alpha, share(block, da), share(block, da), share(block, dz))"),
        ("leaky_relu(z, alpha, a)\n    elif kind == ELU:\n        elu(z, alpha, a)",
         "elu(z, alpha, a)\n    elif kind == ELU:\n        leaky_relu(z, alpha, a)"),
        ("        gelu_prime(da, a, dz)", "        gelu(a, dz)"),
        ("p, s = exponential(-abs(z[i]), number)", "p, s = exponential(-z[i], number)"),
        ("        e = s + s * p\n", "        e = s + p\n"),
        ("(e if z[i] < 0 else one)", "(e if z[i] > 0 else one)"),
        ("dz[i] = da[i] * a[i] * (one - a[i])", "dz[i] = da[i] * a[i] * (one + a[i])"),
        ("exponential(number(-2) * abs(z[i]), number)", "exponential(-abs(z[i]), number)"),
        ("math.copysign(less / (number(2) + less), z[i])", "less / (number(2) + less)"),
        ("dz[i] = da[i] * (one - a[i] * a[i])", "dz[i] = da[i] * (one - a[i])"),
        ("a[i] = 0 if z[i] <= 0 else z[i]", "a[i] = z[i] if z[i] > 0 else 0"),
        ('where the neuron is on."""\n    for i in range(dz.size):\n        dz[i] = da[i] if a[i] > 0 else 0',
         'where the neuron is on."""\n    for i in range(dz.size):\n        dz[i] = da[i] if a[i] >= 0 else 0'),
        ("a[i] = z[i] if z[i] > 0 else slope * z[i]", "a[i] = z[i] if z[i] < 0 else slope * z[i]"),
        ("dz[i] = da[i] if a[i] > 0 else slope * da[i]", "dz[i] = da[i] if a[i] >= 0 else slope * da[i]"),
        ("alpha * ((s - number(1)) + s * p)", "((s - number(1)) + s * p)"),
        ("da[i] * (a[i] + alpha)", "da[i] * a[i]"),
        ("        z_i = number(-40) if z[i] < number(-40) else z[i]\n", "        z_i = z[i]\n"),
        ("a[i] = z_i * distribution", "a[i] = z_i * (1 - distribution)"),
        ("z_i = number(-40) if z[i] < number(-40) else number(40) if z[i] > number(40) else z[i]",
         "z_i = number(-4) if z[i] < number(-4) else number(4) if z[i] > number(4) else z[i]"),
        ("(distribution + z_i * (density", "(distribution - z_i * (density"),
        ("exponential_numba", "y = y * square + number(coefficients[i])",
         "y = y * square + number(coefficients[i + 1])"),
        ("exponential_numba", "    return y * x + z\n", "    return y + z * x\n"),
        ("exponential_numba", "k = shifted - number(large)", "k = shifted - number(large) + number(1)"),
        ("exponential_numba", "- k * number(rest)", "+ k * number(rest)"),
        ("exponential_numba", "    return r + r * r * q, s\n", "    return r + r * q, s\n"),
        ("exponential_numba", "view(np.int32) + 127)", "view(np.int32) + 126)"),
        ("exponential_numba", "view(np.int64) + 1023)", "view(np.int64) + 1022)"),
        ("exponential_numba", "(tail if z < 0 else number(1) - tail)", "(tail if z > 0 else number(1) - tail)"),
    ],
    ("softmax", "ops/test_softmax.py"): [
        ("z[i, j] > largest or z[i, j] != z[i, j] else largest", "z[i, j] < largest else largest"),
        ("math.exp(z[i, j] - largest)", "math.exp(z[i, j])"),
        ("total += a[i, j]\n", "total = a[i, j]\n"),
        ("for j in range(z.shape[1]):\n            a[i, j] /= total", "for j in range(1, z.shape[1]):\n            a[i, j] /= total"),
        ("total += da[i, j] * a[i, j]", "total += da[i, j]"),
        ("dz[i, j] = a[i, j] * (da[i, j] - total)", "dz[i, j] = a[i, j] * (da[i, j] + total)"),
        ("        cost[i] = 0\n", ""),
        ("or a[i, j] != a[i, j]:", "or False:"),
        ("cost[i] -= y[i, j]", "cost[i] = -y[i, j]"),
        ("math.log(least if a[i, j] < least else a[i, j])", "math.log(a[i, j]) if a[i, j] else 0"),
        ("math.log(least if a[i, j] < least else a[i, j])", "math.log(max(a[i, j], 1e-3))"),
    ],
    ("dropout", "ops/test_dropout.py"): [
        ("a_[i] * scale if mask_[i] else 0", "a_[i] * scale if not mask_[i] else 0"),
        ("a_[i] * scale if mask_[i] else 0", "a_[i] * scale * mask_[i]"),
        ("a_[i] * scale if mask_[i] else 0", "a_[i] if mask_[i] else 0"),
        ("scale = a.dtype.type(1 / (1 - p_dropout))", "scale = a.dtype.type(1 / p_dropout if p_dropout else 1)"),
        ("for i in range(out_.size):", "for i in range(out_.size - 1):"),
    ],
    # Threads that share scratch memory: only a race shows it, so with the compiler and four threads.
    ("threads", "test_same_bits.py test_backends.py"): [
        ("conv_pool_numba", "thread = get_thread_id()\n        for e in range(first(block, x.shape[0]), first("
         "block + 1, x.shape[0])):\n            thin_out",
         "thread = 0\n        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):\n"
         "            thin_out"),
        ("conv_pool_numba", "thread, ow = get_thread_id(), maps.shape[2]", "thread, ow = 0, maps.shape[2]"),
        ("conv_pool_numba", "thread, m, filters = get_thread_id(),", "thread, m, filters = 0,"),
        ("conv_pool_numba", "one = dz[thread]", "one = dz[0]"),
        ("conv_numba", "thread = get_thread_id()\n        clear(w_share", "thread = 0\n        clear(w_share"),
        ("dense_numba", "one_share[get_thread_id()]", "one_share[0]"),
        ("dense_step_numba", "thread, zero, none = get_thread_id(),", "thread, zero, none = 0,"),
        ("dense_step_numba", "thread, zero = get_thread_id(),", "thread, zero = 0,"),
    ],
}


def copy_of_the_repository(folder):
    """What the tests need, without anything compiled."""
    for name in ("nndl", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "ruff.toml", "README.md"):
        shutil.copy(ROOT / name, folder)


def run_tests(folder, tests, compiled, leave_out, first_only=True):
    """pytest's exit status and output; None if it took too long."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_NUM_THREADS": "4",
                   "NUMBA_DISABLE_JIT": "0" if compiled else "1", "NUMBA_CACHE_DIR": str(folder / "cache")}
    # Python's own arithmetic warns where Numba's does not.
    some = (["-k", COMPILED] if compiled else
            ["-k", SLOW, "-W", "ignore::RuntimeWarning"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", *some,
               "--hypothesis-profile=mutations", *(["-x"] if first_only else []),
               *(f"--deselect={name}" for name in leave_out), *(f"tests/{name}" for name in tests)]
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        out, _ = process.communicate(timeout=SECONDS_COMPILED if compiled else SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, ""
    return process.returncode, out


def failures(out):
    """The tests that failed, as pytest names them."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", out, re.MULTILINE)


def try_out(mutation, folder, leave_out):
    """(verdict, who noticed): the mutation in this copy, which is put right again."""
    path = folder / "nndl" / "ops" / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file} has {text.count(mutation.old)} times\n{mutation.old}")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        status, out = run_tests(folder, mutation.tests, mutation.compiled, leave_out)
    finally:
        path.write_text(text, encoding="utf-8")
        shutil.rmtree(folder / "cache", ignore_errors=True)
    if status is None:
        return "killed", "(took too long)"
    if status == 0:
        return "SURVIVED", ""
    return "killed", (failures(out) or [out.strip().splitlines()[-1]])[0].rpartition("/")[2]


def main():
    """The command line; its exit status is 1 if a mutant survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    families = [family for family, _ in MISTAKES]
    parser.add_argument("--only", nargs="+", choices=families, default=families, metavar="FAMILY",
                        help=", ".join(families))
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--list", action="store_true", help="list them and run nothing")
    arguments = parser.parse_args()
    chosen = [mutation for mutation in mutations() if mutation.family in arguments.only]
    if arguments.list:
        for mutation in chosen:
            print(f"{mutation.family:<12} {kernel_of(mutation):<24} {' '.join(mutation.new.split())[:90]}")
        return 0
    began, survivors = time.perf_counter(), 0
    with tempfile.TemporaryDirectory() as temporary:
        folders = queue.SimpleQueue()
        for job in range(arguments.jobs):
            copy_of_the_repository(Path(temporary) / str(job))
            folders.put(Path(temporary) / str(job))
        leave_out = {}  # what fails without a mutation
        for tests, compiled in {(tuple(m.tests), m.compiled) for m in chosen}:
            status, out = run_tests(Path(temporary) / "0", tests, compiled, [], first_only=False)
            leave_out[tests] = failures(out)
            if status is None or len(leave_out[tests]) > 5:
                raise SystemExit(f"{' '.join(tests)} fails without a mutation:\n{out}")
            shutil.rmtree(Path(temporary) / "0" / "cache", ignore_errors=True)

        def one(mutation):
            folder = folders.get()
            try:
                return mutation, *try_out(mutation, folder, leave_out[tuple(mutation.tests)])
            finally:
                folders.put(folder)

        count = {family: [0, 0] for family in families}
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for mutation, verdict, by in pool.map(one, chosen):
                count[mutation.family][verdict == "SURVIVED"] += 1
                survivors += verdict == "SURVIVED"
                print(f"{verdict:<9} {mutation.family:<12} {kernel_of(mutation):<24} "
                      f"{by or ' '.join(mutation.new.split())}", flush=True)
    print(f"\n{'family':<12} {'killed':>7} {'survived':>9}")
    for family in arguments.only:
        print(f"{family:<12} {count[family][0]:>7} {count[family][1]:>9}")
    print(f"{'all':<12} {len(chosen) - survivors:>7} {survivors:>9}   "
          f"in {time.perf_counter() - began:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
