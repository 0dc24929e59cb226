"""Are the tests sharp?  Break each kernel in many small ways, and see which of them notice.

    python -m tests.mutations [--only FAMILY ...] [--jobs N] [--list]

Each mutation below changes one index, sign, bound or condition in a file of nndl/ops, in a copy of
the repository, and runs the tests of that family there.  Most run with NUMBA_DISABLE_JIT=1, where a
kernel is the Python it is written in: nothing is compiled, an index out of bounds raises, and a mutant
takes a second or two.  What only happens between threads runs compiled, under "threads", and so does
what is written in the compiler's own language, under "tile".

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
COMPILED = "ends_in_the_same_bits or same_bits_for_any_number or in_the_compilers_language"
SECONDS = 240           # a mutant that makes a loop endless is killed, too
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
        """Whether it runs with Numba's compiler, since it is about threads, or about the compiler."""
        return self.family in ("threads", "tile")


def mutations():
    """All of them."""
    for (family, tests), mistakes in MISTAKES.items():
        file = family if family in ("jit", "memory") else f"{family}_numba"
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
        # add_runs
        ("fours = d.size // 4 * 4\n    for q in range(0, fours, 4):\n        s0, s1",
         "fours = (d.size + 3) // 4 * 4\n    for q in range(0, fours, 4):\n        s0, s1"),
        ("for q in range(0, fours, 4):\n        s0, s1", "for q in range(0, fours, 5):\n        s0, s1"),
        ("for q in range(0, fours, 4):\n        s0, s1", "for q in range(4, fours, 4):\n        s0, s1"),
        ("s0, s1 = begin[q] & NOT_NEGATIVE, begin[q + 1] & NOT_NEGATIVE",
         "s0, s1 = begin[q] & NOT_NEGATIVE, begin[q] & NOT_NEGATIVE"),
        ("s2, s3 = begin[q + 2] & NOT_NEGATIVE, begin[q + 3] & NOT_NEGATIVE",
         "s2, s3 = begin[q + 3] & NOT_NEGATIVE, begin[q + 2] & NOT_NEGATIVE"),
        ("d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 3]\n        for t",
         "d0, d1, d2, d3 = d[q], d[q + 1], d[q + 1], d[q + 3]\n        for t"),
        ("for t in range(target.size):\n            target[t] += (d0", "for t in range(1, target.size):\n            target[t] += (d0"),
        ("target[t] += (d0", "target[t] = (d0"),
        ("+ d1 * source[s1 + t]", "- d1 * source[s1 + t]"),
        ("+ d2 * source[s2 + t]", "+ d2 * source[s2]"),
        ("+ d3 * source[s3 + t]", "+ d3 * source[s2 + t]"),
        ("for q in range(fours, d.size):\n        s0, d0", "for q in range(fours + 1, d.size):\n        s0, d0"),
        ("for q in range(fours, d.size):\n        s0, d0", "for q in range(fours, d.size - 1):\n        s0, d0"),
        ("s0, d0 = begin[q] & NOT_NEGATIVE, d[q]", "s0, d0 = begin[fours] & NOT_NEGATIVE, d[q]"),
        ("s0, d0 = begin[q] & NOT_NEGATIVE, d[q]", "s0, d0 = begin[q] & NOT_NEGATIVE, d[fours]"),
        ("for t in range(target.size):\n            target[t] += d0", "for t in range(target.size - 1):\n            target[t] += d0"),
        ("target[t] += d0 * source[s0 + t]", "target[t] = d0 * source[s0 + t]"),
        ("target[t] += d0 * source[s0 + t]", "target[t] += d0 * source[t]"),
        # add_patches
        ("fours = d.size // 4 * 4\n    for q in range(0, fours, 4):\n        for u",
         "fours = (d.size + 3) // 4 * 4\n    for q in range(0, fours, 4):\n        for u"),
        ("for q in range(0, fours, 4):\n        for u", "for q in range(0, fours, 5):\n        for u"),
        ("for q in range(0, fours, 4):\n        for u", "for q in range(4, fours, 4):\n        for u"),
        ("for u in range(rows):\n            t, s", "for u in range(1, rows):\n            t, s"),
        ("t, s = (at + u * target_step) & NOT_NEGATIVE, u * source_step",
         "t, s = (at + u * source_step) & NOT_NEGATIVE, u * source_step"),
        ("t, s = (at + u * target_step) & NOT_NEGATIVE, u * source_step",
         "t, s = (at + u * target_step) & NOT_NEGATIVE, u * target_step"),
        ("(begin[q + 1] + s) & NOT_NEGATIVE", "(begin[q] + s) & NOT_NEGATIVE"),
        ("(begin[q + 3] + s) & NOT_NEGATIVE", "begin[q + 3] & NOT_NEGATIVE"),
        ("d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 3]\n            for i",
         "d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 2]\n            for i"),
        ("for i in range(run):\n                target[t + i] += (d0", "for i in range(run - 1):\n                target[t + i] += (d0"),
        ("+ d2 * source[s2 + i]", "- d2 * source[s2 + i]"),
        ("target[t + i] += (d0", "target[t + i] = (d0"),
        ("for q in range(fours, d.size):\n        for u", "for q in range(fours + 1, d.size):\n        for u"),
        ("for q in range(fours, d.size):\n        for u", "for q in range(fours, d.size - 1):\n        for u"),
        ("            t = (at + u * target_step) & NOT_NEGATIVE\n", "            t = (at + u) & NOT_NEGATIVE\n"),
        ("(begin[q] + u * source_step) & NOT_NEGATIVE, d[q]", "(begin[q] + u) & NOT_NEGATIVE, d[q]"),
        ("for i in range(run):\n                target[t + i] += d0", "for i in range(1, run):\n                target[t + i] += d0"),
        ("target[t + i] += d0 * source[s0 + i]", "target[t + i] = d0 * source[s0 + i]"),
        ("return rows if few < MOST_ROWS <= rows", "return rows if few < MOST_ROWS < rows"),
        ("return rows if few < MOST_ROWS <= rows", "return rows if few <= MOST_ROWS <= rows"),
        ("max(1, min(few, rows, MOST_ROWS))", "max(1, min(few, rows))"),
        ("max(1, min(few, rows, MOST_ROWS))", "min(few, rows, MOST_ROWS)"),
        ("target[t] = source[t]", "target[t] = -source[t]"),
        ("target[t] += source[t]", "target[t] = source[t]"),
        ("copy_to(part, share(block, shares[0]))", "copy_to(part, share(0, shares[0]))"),
        ("for other in range(1, shares.shape[0]):", "for other in range(2, shares.shape[0]):"),
        ("for other in range(1, shares.shape[0]):", "for other in range(1, shares.shape[0] - 1):"),
        ("add_to(part, share(block, shares[other]))", "add_to(part, share(block, shares[1]))"),
    ],
    ("memory", "ops/test_memory.py ops/test_dense_step.py"): [
        ("if have is not None and have.shape == shape and have.dtype == dtype:",
         "if have is not None and have.shape == shape:"),
        ("memory is None or memory.size < size or", "memory is None or memory.size <= size or"),
        ("memory.size < size or memory.dtype != dtype", "memory.size < size"),
        ("all(map(is_, have[0], arrays))", "any(map(is_, have[0], arrays))"),
        ("arrays)) and have[1] == options:", "arrays)):"),
        ("work[prepare] = (arrays, options, prepared)", "work[prepare] = (arrays, None, prepared)"),
        ("have = None if work is None else work.get(prepare)", "have = None if work is None else work.get('prepare')"),
        ("if all(map(in_order, arrays)) else None", "if any(map(in_order, arrays)) else None"),
        ("if all(map(in_order, arrays)) else None", "if True else None"),
        ("return (x if axes is None else x.transpose(axes)).flags", "return x.flags"),
        ("BACK = {3: (1, 0, 2), 4: (0, 3, 1, 2)}", "BACK = {3: (1, 0, 2), 4: (0, 3, 2, 1)}"),
        ("BACK = {3: (1, 0, 2), 4: (0, 3, 1, 2)}", "BACK = {3: (0, 1, 2), 4: (0, 3, 1, 2)}"),
        ("    return x.transpose(0, 3, 1, 2)", "    return x.transpose(0, 3, 2, 1)"),
        ("% LINE", "% 16"),
        ("if have is not None and have[0] is x:", "if have is not None:"),
        ("(x, view) if np.may_share_memory(view, x) else None", "(x, view)"),
    ],
    ("conv", "ops/test_conv.py ops/test_conv_pool.py"): [
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
        ("ow, p, by_pixel)\n        np.dot(by_pixel", "ow, 0, by_pixel)\n        np.dot(by_pixel"),
        ("ow, p, by_pixel)\n        np.dot(some.T", "ow, 0, by_pixel)\n        np.dot(some.T"),
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
        ("EXAMPLES_AT_ONCE = 5", "EXAMPLES_AT_ONCE = -5"),
        ("1 + (len(x) >= MANY_EXAMPLES)", "1 + (len(x) > MANY_EXAMPLES)"),
        ("1 + (len(x) >= MANY_EXAMPLES)", "1 + (len(x) < MANY_EXAMPLES)"),
        ("(dx, nabla_w, nablas[w.size:])", "(dx, nabla_w, nablas[:f])"),
        ("nablas[:w.size].reshape(f, kh, kw, c)", "nablas[f:].reshape(f, kh, kw, c)"),
        ("nablas[:w.size].reshape(f, kh, kw, c)", "nablas[:w.size].reshape(f, kw, kh, c)"),
        ("nabla_w.reshape(f, kh, kw, c)", "nabla_w.reshape(f, kw, kh, c)"),
        ("dxp[:, ph:ph + x.shape[2], pw:pw + x.shape[3]]", "dxp[:, pw:pw + x.shape[2], ph:ph + x.shape[3]]"),
        ("dxp[:, ph:ph + x.shape[2], pw:pw + x.shape[3]]", "dxp[:, :x.shape[2], pw:pw + x.shape[3]]"),
        ("pw:pw + x.shape[3]]) if need_dx else None", "pw:pw + x.shape[3]])"),
        ("xp.shape if need_dx else (0, 0, 0, 0)", "(0, 0, 0, 0)"),
        ("< SHORT_ROW and not need_dx", "< SHORT_ROW"),
        ("< SHORT_ROW and not need_dx", "< SHORT_ROW and need_dx"),
        ("    if by_places:\n", "    if not by_places:\n"),
        ("if kw * c < SHORT_ROW:", "if kw * c <= SHORT_ROW:"),
        ("by_places = w.shape[3] * w.shape[1] < SHORT_ROW", "by_places = w.shape[3] * w.shape[1] <= SHORT_ROW"),
        ("by_places = w.shape[3] * w.shape[1] < SHORT_ROW", "by_places = w.shape[2] * w.shape[1] < SHORT_ROW"),
        ("band, window(*size, maps[1] * f, f)", "band, window(*size, maps[0] * f, f)"),
        ("return pool_stride[0] * sh, pool_stride[1] * sw, window", "return pool_stride[0] * sh, pool_stride[1] * sh, window"),
        ("return pool_stride[0] * sh, pool_stride[1] * sw, window", "return pool_stride[0], pool_stride[1] * sw, window"),
        ("window(*size, sh * width * c, sw * c)", "window(*size, sw * width * c, sw * c)"),
        ("window(*size, sh * width * c, sw * c)", "window(*size, sh * width * c, c)"),
        ("step_h, step_w = pool_stride[0] * stride[0], pool_stride[1] * stride[1]",
         "step_h, step_w = pool_stride[0] * stride[0], pool_stride[0] * stride[1]"),
        ("height, width = -(-h // step_h), -(-w // step_w)", "height, width = -(-h // step_h), w // step_w"),
        ("height, width = -(-h // step_h), -(-w // step_w)", "height, width = h // step_h, -(-w // step_w)"),
        ("(THREADS, k, (oh - 1) * width + ow)", "(THREADS, k, oh * ow)"),
        ("(THREADS, k, (oh - 1) * width + ow)", "(THREADS, k, oh * width + ow)"),
        ("n = max(EXAMPLES_AT_ONCE * oh * ow, size[0] * size[1] * f)", "n = max(oh * ow, size[0] * size[1] * f)"),
        ("n = max(EXAMPLES_AT_ONCE * oh * ow, size[0] * size[1] * f)", "n = EXAMPLES_AT_ONCE * oh * ow"),
        # forward
        ("max_of_windows(maps[thread], places, step_h, step_w, z[thread], winner[e])",
         "max_of_windows(maps[thread], places, step_w, step_h, z[thread], winner[e])"),
        ("max_of_windows(maps[thread], places, step_h, step_w, z[thread], winner[e])\n"
         "            add_bias(z[thread], b, relu, pooled[e])",
         "max_of_windows(maps[thread], places, step_h, step_w, z[thread], winner[e])\n"
         "            add_bias(z[thread], b, relu, pooled[0])"),
        ("keep_largest(maps[thread], k, z[thread], winner[e])\n"
         "            add_bias(z[thread], b, relu, pooled[e])",
         "keep_largest(maps[thread], k, z[thread], winner[e])\n"
         "            add_bias(z[thread], b, not relu, pooled[e])"),
        ("thread, n = get_thread_id(), cols.shape[2]\n        for e in range(first(block, x.shape[0]), first(",
         "thread, n = get_thread_id(), cols.shape[2] - 1\n        for e in range(first(block, x.shape[0]), first("),
        ("for k in range(size_h * size_w):\n                patches_of_place(thinned[thread], k // size_w * sh, k % size_w "
         "* sw, kh, kw,\n                                 cols[thread])\n                np.dot(cols[thread].T",
         "for k in range(size_h * size_w - 1):\n                patches_of_place(thinned[thread], k // size_w * sh, k % size_w "
         "* sw, kh, kw,\n                                 cols[thread])\n                np.dot(cols[thread].T"),
        ("k // size_w * sh, k % size_w * sw, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T",
         "k // size_h * sh, k % size_w * sw, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T"),
        ("k // size_w * sh, k % size_w * sw, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T",
         "k // size_w * sh, k % size_w, kh, kw,\n                                 cols[thread])\n"
         "                np.dot(cols[thread].T"),
        ("keep_largest(maps[thread], k, z[thread], winner[e])", "keep_largest(maps[thread], k, z[thread], winner[0])"),
        ("for j in range(z.shape[1]):", "for j in range(1, z.shape[1]):"),
        ("for f in range(z.shape[2]):", "for f in range(z.shape[2] - 1):"),
        ("value = z[i, j, f] + b[f]", "value = z[i, j, f] + b[0]"),
        ("0 if relu and value <= 0 else value", "0 if relu and value < 1 else value"),
        ("0 if relu and value <= 0 else value", "value if relu and value > 0 else 0"),
        ("for i in range(z.shape[0]):", "for i in range(1, z.shape[0]):"),
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
        ("copy_to(largest[i], by_row[i])", "copy_to(largest[i], by_row[0])"),
        ("            which[i] = 0\n", ""),
        ("which[i] = 0", "which[0] = 0"),
        ("        if k == 0:\n", "        if k <= 1:\n"),
        ("keep_larger(by_row[i], k, largest[i], which[i])", "keep_larger(by_row[i], k - 1, largest[i], which[i])"),
        ("keep_larger(by_row[i], k, largest[i], which[i])", "keep_larger(by_row[0], k, largest[i], which[i])"),
        ("by_row = maps.reshape(oh, maps.size // oh)\n    largest",
         "by_row = maps[:oh * ow].reshape(oh, ow * f)\n    largest"),
        # backward
        ("part(work, \"activation\"), d_pooled, pooled,\n", "part(work, \"activation\"), d_pooled, d_pooled,\n"),
        ("by_places and activation == \"relu\"\n", "activation == \"relu\"\n"),
        ("return calls + more, xp", "return more, xp"),
        ("if activation not in (\"relu\", \"linear\"):", "if False:"),
        ("blocks = BLOCKS // n_shares", "blocks = BLOCKS"),
        ("share = block // blocks", "share = block % blocks % n_shares"),
        ("share = block // blocks", "share = n_shares - 1"),
        ("start, stop = filters * (block % blocks) // blocks, filters", "start, stop = filters * block // blocks, filters"),
        ("filters * (block % blocks + 1) // blocks", "filters * (block % blocks + 1) // BLOCKS"),
        ("filters * (block % blocks + 1) // blocks", "(filters - 1) * (block % blocks + 1) // blocks"),
        ("nabla_w, nabla_b = shares[share, :w.size], shares[share, w.size:]",
         "nabla_w, nabla_b = shares[0, :w.size], shares[share, w.size:]"),
        ("nabla_w, nabla_b = shares[share, :w.size], shares[share, w.size:]",
         "nabla_w, nabla_b = shares[share, :w.size], shares[0, w.size:]"),
        ("        clear(nabla_w[start * w.shape[1]:stop * w.shape[1]])\n", ""),
        ("clear(nabla_w[start * w.shape[1]:stop * w.shape[1]])", "clear(nabla_w[start:stop])"),
        ("clear(nabla_w[start * w.shape[1]:stop * w.shape[1]])", "clear(nabla_w)"),
        ("        clear(nabla_b[start:stop])\n", ""),
        ("last, flat_x, run = m * (share + 1) // n_shares,", "last, flat_x, run = m,"),
        ("last, flat_x, run = m * (share + 1) // n_shares,", "last, flat_x, run = m // n_shares * (share + 1),"),
        ("x.reshape(x.size), kw * x.shape[3]", "x.reshape(x.size), kh * x.shape[3]"),
        ("x.reshape(x.size), kw * x.shape[3]", "x.reshape(x.size), x.shape[3]"),
        ("for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE):", "for e in range(0, last, EXAMPLES_AT_ONCE):"),
        ("for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE):",
         "for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE + 1):"),
        ("for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE):",
         "for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE - 1):"),
        ("for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE):",
         "for e in range((m * share + 1) // n_shares, last, EXAMPLES_AT_ONCE):"),
        ("end = min(e + EXAMPLES_AT_ONCE, last)", "end = min(e + EXAMPLES_AT_ONCE, m)"),
        ("list_winners(dz, winner, e, end, f,", "list_winners(dz, winner, 0, end, f,"),
        ("list_winners(dz, winner, e, end, f,", "list_winners(dz, winner, e, last, f,"),
        ("for e in range(start, stop):", "for e in range(start, stop - 1):"),
        ("size = x.shape[1] * x.shape[2] * x.shape[3]", "size = x.shape[1] * x.shape[2]"),
        ("for f in range(start, stop):", "for f in range(start + 1, stop):"),
        ("for e in range(first(block, m), first(block + 1, m)):",
         "for e in range(first(block, m), first(block + 1, m - 1)):"),
        ("        clear(w_share[block])\n", ""),
        ("        clear(b_share[block])\n", ""),
        ("        clear(maps[thread])\n", ""),
        ("where_on(d_pooled[e], pooled[e], relu, one)", "where_on(d_pooled[e], pooled[0], relu, one)"),
        ("if a[t] > 0 or not relu else 0", "if a[t] > 0 else 0"),
        ("if a[t] > 0 or not relu else 0", "if a[t] >= 0 or not relu else 0"),
        ("flat[t] = d[t]", "flat[t] = d[0]"),
        ("hand_to_place(one, winner[e], k, maps[thread])", "hand_to_place(one, winner[0], k, maps[thread])"),
        ("np.dot(cols[thread], maps[thread, :cols.shape[2]], product[thread])",
         "np.dot(cols[thread], maps[thread, maps.shape[1] - cols.shape[2]:], product[thread])"),
        ("add_to(w_share[block, t], product[thread, t])", "copy_to(w_share[block, t], product[thread, t])"),
        ("for j in range(one.shape[1]):", "for j in range(one.shape[1] - 1):"),
        ("    nabla_w[:] = 0\n    nabla_b[:] = 0\n", "    nabla_b[:] = 0\n"),
        ("    nabla_w[:] = 0\n    nabla_b[:] = 0\n", "    nabla_w[:] = 0\n"),
        ("for block in range(BLOCKS):", "for block in range(1, BLOCKS):"),
        ("nabla_w[f, t] += w_share[block, t, f]", "nabla_w[f, t] = w_share[block, t, f]"),
        ("by_row = maps.reshape(oh, maps.size // oh)\n    d, which",
         "by_row = maps[:oh * ow].reshape(oh, ow * f)\n    d, which"),
        ("by_row[i, t] = d[i, t] if which[i, t] == k else 0", "by_row[i, t] = d[i, t] if which[i, t] >= k else 0"),
        ("by_row[i, t] = d[i, t] if which[i, t] == k else 0", "by_row[i, t] = d[i, t] if which[0, t] == k else 0"),
        ("by_row[i, t] = d[i, t] if which[i, t] == k else 0", "by_row[i, t] += d[i, t] if which[i, t] == k else 0"),
        ("for t in range(ow * f):", "for t in range(ow):"),
        ("begin[n] = e * size + i * row + j * column", "begin[n] = i * row + j * column"),
        ("begin[n] = e * size + i * row + j * column", "begin[n] = e * size + i * row + j * row"),
        ("n += gradient != 0", "n += gradient > 0"),
        ("x.shape[2] * x.shape[3] * step_h, x.shape[3] * step_w",
         "x.shape[2] * x.shape[3] * step_w, x.shape[3] * step_w"),
        ("x.shape[2] * x.shape[3] * step_h, x.shape[3] * step_w",
         "x.shape[1] * x.shape[3] * step_h, x.shape[3] * step_w"),
        ("nabla_b[f] += d[thread, q]", "nabla_b[f] = d[thread, q]"),
        ("add_patches(nabla_w, f * w.shape[1], run,", "add_patches(nabla_w, f * kh * kw, run,"),
        ("add_patches(nabla_w, f * w.shape[1], run,", "add_patches(nabla_w, (f - start) * w.shape[1], run,"),
        ("add_patches(nabla_w, f * w.shape[1], run,", "add_patches(nabla_w, f * w.shape[1], x.shape[3],"),
        ("x.shape[2] * x.shape[3], d[thread, :n], kh, run)", "x.shape[1] * x.shape[3], d[thread, :n], kh, run)"),
        ("x.shape[2] * x.shape[3], d[thread, :n], kh, run)", "x.shape[2] * x.shape[3], d[thread, 1:n], kh, run)"),
        ("x.shape[2] * x.shape[3], d[thread, :n], kh, run)", "x.shape[2] * x.shape[3], d[thread, :n - 1], kh, run)"),
        ("x.shape[2] * x.shape[3], d[thread, :n], kh, run)", "x.shape[2] * x.shape[3], d[thread], kh, run)"),
        ("x.shape[2] * x.shape[3], d[thread, :n], kh, run)", "x.shape[2] * x.shape[3], d[thread, :n], kh - 1, run)"),
        ("x.shape[2] * x.shape[3], d[thread, :n], kh, run)", "x.shape[2] * x.shape[3], d[thread, :n], kh, run - 1)"),
        ("    dx[:] = 0\n    run, width, filters", "    run, width, filters"),
        ("            counts[:] = 0\n", ""),
        ("n = k * filters + counts[k]", "n = k + counts[k]"),
        ("d[n], begin[n] = gradient, f * kh * run", "d[n], begin[n] = gradient, f * run"),
        ("counts[k] += gradient != 0", "counts[k] += gradient > 0"),
        ("corner = i * step_h * width + j * step_w * dx.shape[2]",
         "corner = i * step_w * width + j * step_w * dx.shape[2]"),
        ("corner = i * step_h * width + j * step_w * dx.shape[2]",
         "corner = i * step_h * width + j * step_h * dx.shape[2]"),
        ("for k in range(len(patches)):", "for k in range(1, len(patches)):"),
        ("some = slice(k * filters, k * filters + counts[k])", "some = slice(k * filters, k * filters + counts[k] - 1)"),
        ("some = slice(k * filters, k * filters + counts[k])", "some = slice(k * filters + 1, k * filters + counts[k])"),
        ("some = slice(k * filters, k * filters + counts[k])", "some = slice(k * filters, k * filters + counts[0])"),
        ("some = slice(k * filters, k * filters + counts[k])", "some = slice(k, k + counts[k])"),
        ("flat_dx, corner + patches[k], width, flat_w", "flat_dx, corner + patches[k], run, flat_w"),
        ("flat_dx, corner + patches[k], width, flat_w", "flat_dx, corner + patches[0], width, flat_w"),
        ("flat_w, begin[some], run, d[some], kh,", "flat_w, begin[some], width, d[some], kh,"),
        ("flat_w, begin[some], run, d[some], kh,", "flat_w, begin, run, d[some], kh,"),
        ("flat_w, begin[some], run, d[some], kh,", "flat_w, begin[some], run, d, kh,"),
        ("flat_w, begin[some], run, d[some], kh,", "flat_w, begin[some], run, d[some], kh - 1,"),
        ("begin[some], run, d[some], kh,\n                            run)", "begin[some], run, d[some], kh,\n                            run - 1)"),
    ],
    ("pool", "ops/test_pool.py"): [
        ("np.add.outer(np.arange(kh) * row, np.arange(kw) * column)",
         "np.add.outer(np.arange(kh) * column, np.arange(kw) * row)"),
        ("            corner = (i * sh * x.shape[1] + j * sw) * c\n", "            corner = (i * sw * x.shape[1] + j * sw) * c\n"),
        ("            corner = (i * sh * x.shape[1] + j * sw) * c\n", "            corner = (i * sh * x.shape[0] + j * sw) * c\n"),
        ("copy_to(pooled[i, j], flat[corner:corner + c])", "copy_to(pooled[i, j], flat[:c])"),
        ("            clear(winner[i, j])\n", ""),
        ("for k in range(1, len(places)):", "for k in range(2, len(places)):"),
        ("for k in range(1, len(places)):", "for k in range(1, len(places) - 1):"),
        ("begin = corner + places[k]\n", "begin = corner + places[k - 1]\n"),
        ("keep_larger(flat[begin:begin + c], k, pooled[i, j], winner[i, j])",
         "keep_larger(flat[begin:begin + c], k - 1, pooled[i, j], winner[i, j])"),
        ("for t in range(largest.size):", "for t in range(largest.size - 1):"),
        ("not here[t] <= largest[t] and", "not here[t] < largest[t] and"),
        ("not here[t] <= largest[t] and", "here[t] > largest[t] and"),
        (" and largest[t] == largest[t]\n", "\n"),
        ("which[t] = k if wins else which[t]", "which[t] = k if wins else 0"),
        ("largest[t] = here[t] if wins else largest[t]", "largest[t] = here[t] if wins else -largest[t]"),
        ("max_of_windows(x[e], places, sh, sw, pooled[e], winner[e])",
         "max_of_windows(x[0], places, sh, sw, pooled[e], winner[e])"),
        ("    clear(dx)\n    flat = dx", "    flat = dx"),
        ("flat[corner + places[k]:corner + places[k] + d.size]", "flat[corner + places[0]:corner + places[0] + d.size]"),
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
        ("    clear(dx)\n    flat, flat_dx", "    flat, flat_dx"),
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
        ("if w.size * m <= TOO_FEW_TO_SHARE:", "if w.size * m < TOO_FEW_TO_SHARE:"),
        ("if w.size * m <= TOO_FEW_TO_SHARE:", "if w.size <= TOO_FEW_TO_SHARE:"),
        ("if w.size * m <= TOO_FEW_TO_SHARE:", "if n_in * m <= TOO_FEW_TO_SHARE:"),
        ("np.dot(a, w.T, z)\n    for i in range(z.shape[0]):", "np.dot(a, w.T, z)\n    for i in range(z.shape[0] - 1):"),
        ("np.dot(a, w.T, z)\n", "np.dot(-a, w.T, z)\n"),
        ("for i in range(z.shape[0]):\n        add_to(z[i], b)", "for i in range(z.shape[0]):\n        add_to(z[0], b)"),
        ("(THREADS, m * rows), a.dtype)", "(THREADS, rows), a.dtype)"),
        ("for j in range(first(block, w.shape[0]), stop, rows):", "for j in range(first(block, w.shape[0]), stop, rows + 1):"),
        ("for j in range(first(block, w.shape[0]), stop, rows):", "for j in range(first(block, w.shape[0]) + 1, stop, rows):"),
        ("m, stop = a.shape[0], first(block + 1, w.shape[0])", "m, stop = a.shape[0], first(block + 1, w.shape[0] - 1)"),
        ("np.dot(a, w[j:end].T, product)", "np.dot(a, w[:end - j].T, product)"),
        ("z[i, j + k] = product[i, k] + b[j + k]", "z[i, j + k] = product[i, k] + b[k]"),
        ("z[i, j + k] = product[i, k] + b[j + k]", "z[i, j + k] = product[0, k] + b[j + k]"),
        ("z[i, j + k] = product[i, k] + b[j + k]", "z[i, j + k] = product[i, k]"),
        ("for k in range(end - j):", "for k in range(end - j - 1):"),
        ("start, stop = block * a.shape[0] // blocks, (block + 1) * a.shape[0] // blocks",
         "start, stop = block * a.shape[0] // blocks, (block + 1) * a.shape[0] // BLOCKS"),
        ("np.dot(a[start:stop], w.T, z[start:stop])\n        for i in range(start, stop):",
         "np.dot(a[start:stop], w.T, z[start:stop])\n        for i in range(start, stop - 1):"),
        ("for i in range(start, stop):\n            add_to(z[i], b)", "for i in range(start, stop):\n            add_to(z[start], b)"),
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
        ("(THREADS, max(m, rows, 2)), dtype)", "(THREADS, max(rows, 2)), dtype)"),
        ("(THREADS, max(m, rows, 2)), dtype)", "(THREADS, max(m, rows)), dtype)"),
        ("(THREADS, max(m, rows, 2)), np.int64)", "(THREADS, max(m, 2)), np.int64)"),
        ("if w.size * m <= TOO_FEW_TO_SHARE:", "if w.size * m < TOO_FEW_TO_SHARE:"),
        ("if w.size * m <= TOO_FEW_TO_SHARE:", "if w.size <= TOO_FEW_TO_SHARE:"),
        ("if out_w is w and out_b is b\n", "if out_w is w or out_b is b\n"),
        ('np.dtype("float32"): np.int32', 'np.dtype("float32"): np.int64'),
        ("layer_step(w, b, nabla_w, nabla_b, eta, l2, l1,", "layer_step(w, b, nabla_w, nabla_b, eta, l1, l2,"),
        ("eta, l2, l1, out_w, out_b, work)", "eta, l2, l1, None, out_b, work)"),
        ("(bits) < SPARSE * bits.size:", "(bits) > SPARSE * bits.size:"),
        ("(bits) < SPARSE * bits.size:", "(bits) <= SPARSE * bits.size:"),
        ("(bits) < SPARSE * bits.size:", "(bits) < SPARSE * w.size:"),
        # _step_at_once
        ("        np.dot(delta, w, da)  ", "        np.dot(-delta, w, da)  "),
        ("    if da.size:\n", "    if not da.size:\n"),
        ("bias_gradient(delta, 0, w.shape[0], by_neuron, nabla_b)", "bias_gradient(delta, 1, w.shape[0], by_neuron, nabla_b)"),
        ("bias_gradient(delta, 0, w.shape[0], by_neuron, nabla_b)", "bias_gradient(delta, 0, w.shape[0] - 1, by_neuron, nabla_b)"),
        ("np.dot(by_neuron, a, gradient)", "np.dot(by_neuron, -a, gradient)"),
        ("gradient.reshape(w.size), b, nabla_b, eta, l2, l1)", "gradient.reshape(w.size), b, nabla_b, eta, l1, l2)"),
        ("gradient.reshape(w.size), b, nabla_b, eta, l2, l1)", "gradient.reshape(w.size), b[1:], nabla_b[1:], eta, l2, l1)"),
        ("        np.dot(delta, w, da)                                                             # BP2\n"
         "    bias_gradient(delta, 0, w.shape[0], by_neuron, nabla_b)                              # BP3\n"
         "    np.dot(by_neuron, a, gradient)                                                       # BP4\n"
         "    both_down(w.reshape(w.size), gradient.reshape(w.size), b, nabla_b, eta, l2, l1)\n",
         "        pass\n"
         "    bias_gradient(delta, 0, w.shape[0], by_neuron, nabla_b)                              # BP3\n"
         "    np.dot(by_neuron, a, gradient)                                                       # BP4\n"
         "    both_down(w.reshape(w.size), gradient.reshape(w.size), b, nabla_b, eta, l2, l1)\n"
         "    if da.size:\n        np.dot(delta, w, da)\n"),
        # _dense_step, _sparse_step
        ("SPARSE = 0.35", "SPARSE = 0.0"),
        ("step_down(b[start:stop], nabla_b[start:stop], none, eta, zero, zero, zero)",
         "step_down(b[start:stop], nabla_b[start:stop], none, eta, l2, zero, zero)"),
        ("none, eta, zero, zero, zero)\n        if da_share.size:\n            clear(da_share[block])\n",
         "none, eta, zero, zero, zero)\n"),
        ("for j in range(start, stop, rows):\n            end = min(j + rows, stop)\n            some",
         "for j in range(start, stop, rows + 1):\n            end = min(j + rows, stop)\n            some"),
        ("add_product(by_neuron[j:end], w[j:end], one_share", "add_product(by_neuron[j:end], w[start:start + end - j], one_share"),
        ("np.dot(by_neuron[j:end], a, some) ", "np.dot(by_neuron[j:end], -a, some) "),
        ("some.reshape(n), none, eta, l2, l1, zero)", "some.reshape(n), none, eta, l1, l2, zero)"),
        ("some.reshape(n), none, eta, l2,", "some.reshape(n), none, eta / 2, l2,"),
        ("start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])\n        if da_share.size:\n"
         "            clear(da_share[block])\n",
         "start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])\n"),
        ("hand_back(delta, w, j, end,", "hand_back(delta, w, start, end,"),
        ("            if da_share.size:\n"
         "                hand_back(delta, w, j, end, d[thread], begin[thread], da_share[block])   # BP2\n"
         "            for neuron in range(j, end):\n"
         "                nabla_b[neuron] = learn(delta, flat_a, w[neuron], neuron, eta, l2, l1,   # BP4\n"
         "                                        d[thread], begin[thread])                        # and BP3\n",
         "            for neuron in range(j, end):\n"
         "                nabla_b[neuron] = learn(delta, flat_a, w[neuron], neuron, eta, l2, l1,   # BP4\n"
         "                                        d[thread], begin[thread])                        # and BP3\n"
         "            if da_share.size:\n"
         "                hand_back(delta, w, j, end, d[thread], begin[thread], da_share[block])   # BP2\n"),
        ("for neuron in range(j, end):", "for neuron in range(j + 1, end):"),
        ("step_down(b[start:stop], nabla_b[start:stop], nabla_b[:0], eta, zero, zero, zero)",
         "step_down(b[start:stop], nabla_b[start:stop], nabla_b[:0], eta, zero, l1, zero)"),
        ("d[n], begin[n] = delta[i, j], j * n_in", "d[n], begin[n] = delta[i, j], (j - start) * n_in"),
        ("n += delta[i, j] != 0", "n += delta[i, j] > 0"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[0], flat_w, begin[:n], d[:n])"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[i, 1:], flat_w, begin[:n], d[:n])"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[i], flat_w[1:], begin[:n], d[:n])"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[i], flat_w, begin[1:n], d[1:n])"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[i], flat_w, begin, d[:n - 1])"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[i], flat_w, begin[1:], d[:n])"),
        ("add_runs(da[i], flat_w, begin[:n], d[:n])", "add_runs(da[i], flat_w, begin, d)"),
        ("d[n], begin[n] = -eta * delta[i, neuron], i * n_in", "d[n], begin[n] = eta * delta[i, neuron], i * n_in"),
        ("total += delta[i, neuron]", "total = delta[i, neuron]"),
        ("n += delta[i, neuron] != 0", "n += delta[i, neuron] > 0"),
        ("for q in range(n, 2):", "for q in range(n, 1):"),
        ("for q in range(n, 2):", "for q in range(n + 1, 2):"),
        ("d[q], begin[q] = 0, 0", "begin[q] = 0"),
        ("    if l1 != 0:\n", "    if l1 == 0:\n"),
        ("        decay(w, l2, l1)\n", "        decay(w, l2 - l2, l1)\n"),
        ("        l2 = eta - eta\n", ""),
        ("    decay_and_add(w, l2, a, begin, d)\n", ""),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w, a, begin[1:n], d[1:n])"),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w, a, begin[3:n], d[3:n])"),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w, a, begin[2:n], d[2:n - 1])"),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w, a, begin[1:n], d[2:n])"),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w, a, begin[2:], d[2:])"),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w[1:], a, begin[2:n], d[2:n])"),
        ("add_runs(w, a, begin[2:n], d[2:n])", "add_runs(w, a[1:], begin[2:n], d[2:n])"),
        ("    return total\n", "    return total - d[0]\n"),
        ("s0, s1, d0, d1 = begin[0] & NOT_NEGATIVE, begin[1]", "s0, s1, d0, d1 = begin[0] & NOT_NEGATIVE, begin[0]"),
        ("begin[1] & NOT_NEGATIVE, d[0], d[1]", "begin[1] & NOT_NEGATIVE, d[1], d[0]"),
        ("w[t] += d0 * a[s0 + t] + d1 * a[s1 + t] - l2 * w[t]", "w[t] += d0 * a[s0 + t] - d1 * a[s1 + t] - l2 * w[t]"),
        ("w[t] += d0 * a[s0 + t] + d1 * a[s1 + t] - l2 * w[t]", "w[t] += d0 * a[s0 + t] + d1 * a[s1] - l2 * w[t]"),
        ("w[t] += d0 * a[s0 + t] + d1 * a[s1 + t] - l2 * w[t]", "w[t] += d0 * a[s0 + t] + d1 * a[s1 + t] + l2 * w[t]"),
        ("w[t] += d0 * a[s0 + t] + d1 * a[s1 + t] - l2 * w[t]", "w[t] += d0 * a[t] + d1 * a[s1 + t] - l2 * w[t]"),
        ("for t in range(w.size):\n        w[t] += d0", "for t in range(w.size - 1):\n        w[t] += d0"),
        ("w[t] -= l2 * w[t] + l1 * sign", "w[t] -= l2 * w[t] - l1 * sign"),
        ("w[t] -= l2 * w[t] + l1 * sign", "w[t] -= l2 + l1 * sign"),
        ("sign = one if w[t] > 0 else -one", "sign = one if w[t] >= 0 else -one"),
    ],
    ("dense_epoch", "ops/test_dense_epoch.py"): [
        ("some = order[start:start + mini_batch_size]", "some = order[:mini_batch_size]"),
        ("            return start\n", "            return start + m\n"),
        ("LINEAR, SIGMOID, TANH, RELU, SOFTMAX", "LINEAR, TANH, SIGMOID, RELU, SOFTMAX"),
        ("LINEAR, SIGMOID, TANH, RELU, SOFTMAX", "RELU, SIGMOID, TANH, LINEAR, SOFTMAX"),
        ("rate = theta.dtype.type(eta / m)", "rate = theta.dtype.type(eta / mini_batch_size)"),
        ("rate = theta.dtype.type(eta / m)", "rate = theta.dtype.type(eta)"),
        ("rate = theta.dtype.type(eta / m)", "rate = theta.dtype.type(eta / order.size)"),
        ("delta, rate, l2, l1,", "delta, eta, l2, l1,"),
        ("delta, rate, l2, l1,", "delta, rate, l1, l2,"),
        ("matched, kinds[-1], deltas)", "matched, kinds[0], deltas)"),
        ("number(1 / 256 if images.dtype == np.uint8 else 1)", "number(1 / 255 if images.dtype == np.uint8 else 1)"),
        ("as_floats(images[some[i]], scale, a[i * n_in:(i + 1) * n_in])", "as_floats(images[i], scale, a[i * n_in:(i + 1) * n_in])"),
        ("as_floats(images[some[i]], scale, a[i * n_in:(i + 1) * n_in])", "as_floats(images[some[i]], scale, a[:n_in])"),
        ("as_floats(images[some[i]], scale, a[i * n_in:(i + 1) * n_in])",
         "as_floats(images[some[i]], scale, a[i * n_in:(i + 1) * n_in - 1])"),
        ("as_floats(images[some[i]], scale, a[i", "as_floats(images[some[i]], scale / scale, a[i"),
        ("for i in range(some.size):\n        as_floats", "for i in range(1, some.size):\n        as_floats"),
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
        ("activate(kinds[layer], z.reshape(z.size))", "activate(kinds[0], z.reshape(z.size))"),
        ("activate(kinds[layer], z.reshape(z.size))", "activate(kinds[layer], z[0])"),
        ("if kind == SIGMOID:\n        sigmoid(a, a)", "if kind == TANH:\n        sigmoid(a, a)"),
        ("        sigmoid(a, a)\n", "        tanh(a, a)\n"),
        ("        tanh(a, a)\n", "        tanh(a[1:], a[1:])\n"),
        ("elif kind == RELU:\n        relu(a, a)", "else:\n        relu(a, a)"),
        ("        relu(a, a)\n", "        relu(a[:-1], a[:-1])\n"),
        ("sigmoid_prime(delta, a, delta)", "sigmoid_prime(delta, delta, delta)"),
        ("tanh_prime(delta, a, delta)", "tanh_prime(a, a, delta)"),
        ("tanh_prime(delta, a, delta)", "sigmoid_prime(delta, a, delta)"),
        ("elif kind == RELU:\n        relu_prime", "elif kind == LINEAR:\n        relu_prime"),
        ("relu_prime(delta, a, delta)", "relu_prime(a, delta, delta)"),
        ("    if not matched:\n        back(kind, delta, a)", "    if not matched:\n        back(kind, a, delta)"),
        ("back(kinds[layer - 1], da, inputs)", "back(kinds[layer], da, inputs)"),
        ("back(kinds[layer - 1], da, inputs)", "back(kinds[layer - 1], da, da)"),
        ("                    nabla_b[j] = 0\n".replace("        ", "", 1), ""),
        ("for i in range(m):\n                nabla_b[j]", "for i in range(1, m):\n                nabla_b[j]"),
        ("step_down(w, gradient, w[:0], eta, l2, l1, zero)", "step_down(w, gradient, w[:0], eta, l2, zero, zero)"),
        ("step_down(b, nabla_b[:n_out], w[:0], eta, zero, zero, zero)",
         "step_down(b, nabla_b[:n_out], w[:0], eta, l2, zero, zero)"),
    ],
    ("panel", "ops/test_recurrent.py"): [
        ("min(WIDTH, columns - panel * WIDTH)", "min(WIDTH, columns)"),
        ("p, c, k = column // WIDTH, column % WIDTH, 0", "p, c, k = column // WIDTH, 0, 0"),
        ("run = min(WIDTH - c, numbers.size - k)", "run = min(WIDTH, numbers.size - k)"),
        ("panels[p, row, i] = numbers[k + i]", "panels[p, row, i] = numbers[i]"),
        ("copy_to(panels[p, row, c:c + run], numbers[k:k + run])", "copy_to(panels[p, row, c:c + run], numbers[:run])"),
        ("p, c, k = p + 1, 0, k + run", "p, c, k = p + 1, c, k + run"),
        ("for i in range(rows):\n        for c", "for i in range(rows - 1):\n        for c"),
        ("for c in range(WIDTH):", "for c in range(WIDTH - 1):"),
        ("for q in range(len(panel)):", "for q in range(len(panel) - 1):"),
        ("sums[row + i, column + c] += x[begin", "sums[row + i, column + c] = x[begin"),
        ("x[begin + i * apart + q * step]", "x[begin + i * apart + q]"),
        ("x[begin + i * apart + q * step]", "x[begin + i + q * step]"),
        ("tiles = -(-rows // tallest)", "tiles = rows // tallest"),
        ("start + k * rows // tiles, start + (k + 1)", "start + k, start + (k + 1)"),
        ("at = begin + (row - start) * apart", "at = begin + row * apart"),
        *[(f"_{rows}(x, at, apart, step, panel, sums, row, column)", f"_{rows}(x, at, apart, step, panel, sums, start, column)")
          for rows in ("two", "three", "four", "five", "six")],  # a row is alone
        ("start * n, n, 1, panel, sums", "0, n, 1, panel, sums"),
        ("0, 1, x.shape[1], panel, sums", "0, 1, 1, panel, sums"),
    ],
    ("embedding", "ops/test_embedding.py"): [
        ("copy_to(out[s, i], w[x[i, s]])", "copy_to(out[s, i], w[x[i, 0]])"),
        ("    clear(nabla_w)\n", ""),
        ("add_to(nabla_w[x[i, s]], d[s, i])", "copy_to(nabla_w[x[i, s]], d[s, i])"),
    ],
    ("recurrent", "ops/test_recurrent.py"): [
        ("    *_, valid = arrays\n    if valid is not None:", "    *_, valid = arrays\n    if valid is not None and not by_step.any():"),
        ("    *_, valid, _ = arrays\n    if valid is not None:", "    *_, valid, _ = arrays\n    if valid is not None and not by_step.any():"),
        ("return np.zeros((m, n), dtype) if state", "return np.ones((m, n), dtype) if state"),
        ("return m * t * w_hh.size <= TOO_FEW_TO_SHARE", "return m * w_hh.size <= TOO_FEW_TO_SHARE - 1"),
        ("return max(1, min(threads, m // FEWEST))", "return max(1, min(threads, m))"),
        ("panel[q, c] = w_xh[p * WIDTH + c, q]", "panel[q, c] = w_xh[c, q]"),
        ("panel[n_in + q, c] = w_hh[p * WIDTH + c, q]", "panel[n_in + q, c] = w_hh[q, p * WIDTH + c]"),
        ("    for p in range(panels.shape[0]):\n        pack_panel", "    for p in range(1):\n        pack_panel"),
        ("    for p in prange(panels.shape[0]):\n        pack_panel", "    for p in prange(1):\n        pack_panel"),
        ("add_product(before, start, stop, panels[p, n_in:], z, p * WIDTH)", "add_product(before, start, stop, panels[p, :-n_in], z, p * WIDTH)"),
        ("add_product(x, start, stop, panels[p, :n_in], z, p * WIDTH)\n", "pass\n"),
        ("copy_to(z[i, :b.size], b)", "copy_to(z[i, :b.size - 1], b)"),
        ("        if not valid[i]:\n            copy_to(state[i], before[i])", "        if not valid[i]:\n            copy_to(state[i], state[i])"),
        ("        before = h[s - 1] if s else h0\n", "        before = h[s - 1]\n"),
        ("            stay(start, stop, valid[s], before, h[s])\n\n\n@kernel\ndef _forward_at_once",
         "            stay(start, stop, valid[0], before, h[s])\n\n\n@kernel\ndef _forward_at_once"),
        ("    some_forward(0, h0.shape[0],", "    some_forward(0, h0.shape[0] - 1,"),
        ("some_forward(block * m // blocks,", "some_forward((block + 1) * m // blocks,"),
        ("before, cells = (h[s - 1], c[s - 1]) if s else (h0, c0)", "before, cells = (h[s - 1], c[s - 1]) if s else (h0, h0)"),
        ("sigmoid(z[i, 3 * n:4 * n], its[3 * n:])", "tanh(z[i, 3 * n:4 * n], its[3 * n:])"),
        ("sigmoid(z[i, :2 * n], its[:2 * n])", "sigmoid(z[i, :n], its[:n])"),
        ("            stay(start, stop, valid[s], cells, c[s])\n", ""),
        ("c[k] = f[k] * before[k] + i[k] * g[k]", "c[k] = i[k] * before[k] + f[k] * g[k]"),
        ("o = gates[3 * h.size:]", "o = gates[2 * h.size:]"),
        ("    some_lstm_forward(0, h0.shape[0],", "    some_lstm_forward(0, h0.shape[0] - 1,"),
        ("some_lstm_forward(block * m // blocks,", "some_lstm_forward((block + 1) * m // blocks,"),
        ("into_panels(w_xh[j], n, j, back)", "into_panels(w_xh[j], 0, j, back)"),
        ("if back.shape[0] * WIDTH >= n + n_in:", "if back.shape[0] * WIDTH > n + n_in:"),
        ("s, i = row // m, row % m", "s, i = row % m, row // m"),
        ("into_panels(h[s - 1, i] if s else h0[i], 0, row, inputs)", "into_panels(h[s - 1, i] if s else h[0, i], 0, row, inputs)"),
        ("into_panels(x[s, i], n, row, inputs)", "into_panels(x[s, i], n - 1, row, inputs)"),
        ("    for block in range(BLOCKS):\n        pack_back", "    for block in range(1):\n        pack_back"),
        ("    for block in prange(BLOCKS):\n        pack_back", "    for block in prange(1):\n        pack_back"),
        ("    clear(handed[start:stop])\n", ""),
        ("        if not valid.size or valid[s, i]:\n            copy_to(d_state", "        if True:\n            copy_to(d_state"),
        ("        if not valid.size or valid[s, i]:\n            copy_to(d_state", "        if not valid.size or valid[0, i]:\n            copy_to(d_state"),
        ("copy_to(dx[i], handed[i, n:", "copy_to(dx[i], handed[i, n - 1:"),
        ("    clear(d_state[start:stop])\n    for s in range(h.shape[0] - 1, -1, -1):\n        for i",
         "    for s in range(h.shape[0] - 1, -1, -1):\n        for i"),
        ("        if s > 0 and s % truncate == 0:\n            clear(d_state[start:stop])\n\n", "        if s % truncate == 0:\n            clear(d_state[start:stop])\n\n"),
        ("d_state[k] += dh[k]\n        dz[k]", "d_state[k] = dh[k]\n        dz[k]"),
        ("d_state[k] * (one - h[k] * h[k]) if stepped", "d_state[k] * (one - h[k] * h[k]) if True"),
        ("    some_backward(0, h.shape[1],", "    some_backward(0, h.shape[1] - 1,"),
        ("some_backward(block * m // blocks,", "some_backward((block + 1) * m // blocks,"),
        ("    d_cell[start:stop] = dc_last[start:stop]\n", "    clear(d_cell[start:stop])\n"),
        ("cells = c[s - 1] if s else c0", "cells = c[s - 1] if s else c[0]"),
        ("            clear(d_state[start:stop])\n            clear(d_cell[start:stop])\n", "            clear(d_state[start:stop])\n"),
        ("d_c = d_cell[k] + d_h * o * (one - shown[k] * shown[k])", "d_c = d_h * o * (one - shown[k] * shown[k])"),
        ("dz[k] = d_c * g * i * (one - i)", "dz[k] = d_c * g * i"),
        ("d_c * before[k] * f * (one - f)", "d_c * before[k] * f * (one - i)"),
        ("d_c * i * (one - g * g)", "d_c * i * (one - g)"),
        ("d_h * shown[k] * o * (one - o)", "d_h * o * (one - o)"),
        ("d_cell[k] = d_c * f", "d_cell[k] = d_c * i"),
        ("        d_state[k] += dh[k]\n    dz[:] = 0", "        d_state[k] = dh[k]\n    dz[:] = 0"),
        ("    some_lstm_backward(0, h.shape[1],", "    some_lstm_backward(0, h.shape[1] - 1,"),
        ("some_lstm_backward(block * m // blocks,", "some_lstm_backward((block + 1) * m // blocks,"),
        ("    clear(nabla_b[start * WIDTH:end])\n", ""),
        ("    clear(nabla[start * WIDTH:stop * WIDTH])\n", ""),
        ("many = min(row + ROWS_AT_ONCE, rows)", "many = min(ROWS_AT_ONCE, rows)"),
        ("add_to(total, dz[panel, r])", "add_to(total, dz[panel, row])"),
        ("copy_to(nabla_w_hh[j], nabla[j, :n])", "copy_to(nabla_w_hh[j], nabla[start * WIDTH, :n])"),
        ("copy_to(nabla_w_xh[j], nabla[j, n:", "copy_to(nabla_w_xh[j], nabla[j, n - 1:"),
        ("    some_weights(0, dz.shape[0],", "    some_weights(1, dz.shape[0],"),
        ("some_weights(first(block, dz.shape[0]),", "some_weights(first(block + 1, dz.shape[0]),"),
    ],
    ("update", "ops/test_update.py"): [
        ("total += np.float64(x[i]) * np.float64(x[i])", "total += np.float64(x[i] * x[i])"),
        ("total += np.float64(x[i]) * np.float64(x[i])", "total = np.float64(x[i]) * np.float64(x[i])"),
        ("            if out is not x:\n                out[...] = x\n", ""),
        ("if np.may_share_memory(memory, out):", "if True:"),
        ("    if not np.may_share_memory(result, out):\n        out[...] = in_logical_order(result)\n", ""),
        ("(step_down if w.size <= FEW else _step)", "(step_down if w.size < FEW else _step)"),
        ("(step_down if w.size <= FEW else _step)", "(step_down if w.size >= FEW else _step)"),
        ("if out_w is w and out_v is v\n", "if out_w is w\n"),
        ("if out_w is w and out_v is v\n", "if out_v is v\n"),
        ("step_down(share(block, w), share(block, nabla_w), share(block, v), eta, l2, l1, mu)",
         "step_down(share(block, w), share(block, nabla_w), share(block, v), eta, l1, l2, mu)"),
        ("step_down(share(block, w), share(block, nabla_w), share(block, v), eta",
         "step_down(share(block, w), share(block, nabla_w), share(0, v), eta"),
        # layer_step
        ("(both_down if w.size <= FEW else _layer_step)", "(both_down if w.size < FEW else _layer_step)"),
        ("if out_w is w and out_b is b\n", "if out_w is w\n"),
        ("if out_w is w and out_b is b\n", "if out_b is b\n"),
        ("finite &= x[i] - x[i] == 0", "finite = x[i] - x[i] == 0"),
        ("finite &= x[i] - x[i] == 0", "finite &= x[i] == x[i]"),
        ("    finite = True\n", "    finite = False\n"),
        ("new_w, new_b = changeable(w, out_w, work, \"new_w\"), changeable(b, out_b, work, \"new_b\")",
         "new_w, new_b = changeable(w, out_w, work, \"new\"), changeable(b, out_b, work, \"new\")"),
        ("step(*runs, number(eta), number(l2), number(l1))", "step(*runs, number(eta), number(l1), number(l2))"),
        ("def _layer_step(w, nabla_w, b, nabla_b, eta, l2, l1):\n    for block in prange(BLOCKS):",
         "def _layer_step(w, nabla_w, b, nabla_b, eta, l2, l1):\n    for block in prange(1, BLOCKS):"),
        ("share(block, b), share(block, nabla_b),", "share(block, b), share(0, nabla_b),"),
        ("step_down(w, nabla_w, none, eta, l2, l1, zero)", "step_down(w, nabla_w, none, eta, l1, l2, zero)"),
        ("step_down(b, nabla_b, none, eta, zero, zero, zero)", "step_down(b, nabla_b, none, eta, l2, zero, zero)"),
        ("step_down(b, nabla_b, none, eta, zero, zero, zero)", "step_down(b, nabla_b, none, eta, zero, l1, zero)"),
        # step_down
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
        ("few if z.size <= FEW[name] else many", "few if z.size < FEW[name] else many"),
        ("few if z.size <= FEW[name] else many", "many if z.size <= FEW[name] else few"),
        ("few if z.size <= FEW[name] else many", 'few if z.size <= FEW["relu"] else many'),
        ("few if da.size <= FEW[name] else many", "few if da.size < FEW[name] else many"),
        ("few if da.size <= FEW[name] else many", "many if da.size <= FEW[name] else few"),
        ("few if da.size <= FEW[name] else many", 'few if da.size <= FEW["gelu"] else many'),
        ("(few, many) = in_memory_order(z)", "(many, few) = in_memory_order(z)"),
        ("(few, many) = in_memory_order(da)", "(many, few) = in_memory_order(da)"),
        ("flat.shape, z.dtype)", "z.shape, z.dtype)"),
        ('SCALED = "leaky_relu", "elu"', 'SCALED = "leaky_relu",'),
        ('SCALED = "leaky_relu", "elu"', 'SCALED = "leaky_relu", "elu", "gelu"'),
        ('_chain(known(name), da, z if name == "gelu" else a, work,', "_chain(known(name), da, a, work,"),
        ("(leaky_relu, _leaky_relu)", "(leaky_relu, _elu)"),
        ("(elu_prime, _elu_prime)", "(leaky_relu_prime, _elu_prime)"),
        ("(gelu_prime, _gelu_prime)", "(gelu, _gelu_prime)"),
        ("def _sigmoid(z, a):\n    for block in prange(BLOCKS):", "def _sigmoid(z, a):\n    for block in prange(1, BLOCKS):"),
        ("sigmoid(share(block, z), share(block, a))", "sigmoid(share(block, a), share(block, a))"),
        ("sigmoid(share(block, z), share(block, a))", "sigmoid(share(0, z), share(block, a))"),
        ("def _sigmoid_prime(da, a, dz):\n    for block in prange(BLOCKS):",
         "def _sigmoid_prime(da, a, dz):\n    for block in prange(BLOCKS - 1):"),
        ("sigmoid_prime(share(block, da), share(block, a), share(block, dz))",
         "sigmoid_prime(share(block, da), share(block, da), share(block, dz))"),
        ("sigmoid_prime(share(block, da), share(block, a), share(block, dz))",
         "sigmoid_prime(share(block, a), share(block, a), share(block, dz))"),
        ("def _tanh(z, a):\n    for block in prange(BLOCKS):", "def _tanh(z, a):\n    for block in prange(1, BLOCKS):"),
        ("tanh(share(block, z), share(block, a))", "tanh(share(block, a), share(block, a))"),
        ("tanh(share(block, z), share(block, a))", "tanh(share(0, z), share(block, a))"),
        ("def _tanh_prime(da, a, dz):\n    for block in prange(BLOCKS):",
         "def _tanh_prime(da, a, dz):\n    for block in prange(BLOCKS - 1):"),
        ("tanh_prime(share(block, da), share(block, a), share(block, dz))",
         "tanh_prime(share(block, da), share(block, da), share(block, dz))"),
        ("tanh_prime(share(block, da), share(block, a), share(block, dz))",
         "tanh_prime(share(block, a), share(block, a), share(block, dz))"),
        ("def _relu(z, a):\n    for block in prange(BLOCKS):", "def _relu(z, a):\n    for block in prange(1, BLOCKS):"),
        ("relu(share(block, z), share(block, a))", "relu(share(block, a), share(block, a))"),
        ("relu(share(block, z), share(block, a))", "relu(share(0, z), share(block, a))"),
        ("def _relu_prime(da, a, dz):\n    for block in prange(BLOCKS):",
         "def _relu_prime(da, a, dz):\n    for block in prange(BLOCKS - 1):"),
        ("relu_prime(share(block, da), share(block, a), share(block, dz))",
         "relu_prime(share(block, da), share(block, da), share(block, dz))"),
        ("relu_prime(share(block, da), share(block, a), share(block, dz))",
         "relu_prime(share(block, a), share(block, a), share(block, dz))"),
        ("def _leaky_relu(z, slope, a):\n    for block in prange(BLOCKS):",
         "def _leaky_relu(z, slope, a):\n    for block in prange(1, BLOCKS):"),
        ("leaky_relu(share(block, z), slope, share(block, a))", "leaky_relu(share(block, z), -slope, share(block, a))"),
        ("leaky_relu(share(block, z), slope, share(block, a))", "leaky_relu(share(0, z), slope, share(block, a))"),
        ("def _leaky_relu_prime(da, a, slope, dz):\n    for block in prange(BLOCKS):",
         "def _leaky_relu_prime(da, a, slope, dz):\n    for block in prange(BLOCKS - 1):"),
        ("leaky_relu_prime(share(block, da), share(block, a), slope, share(block, dz))",
         "leaky_relu_prime(share(block, da), share(block, da), slope, share(block, dz))"),
        ("leaky_relu_prime(share(block, da), share(block, a), slope, share(block, dz))",
         "leaky_relu_prime(share(block, a), share(block, a), slope, share(block, dz))"),
        ("leaky_relu_prime(share(block, da), share(block, a), slope, share(block, dz))",
         "leaky_relu_prime(share(block, da), share(block, a), -slope, share(block, dz))"),
        ("def _elu(z, alpha, a):\n    for block in prange(BLOCKS):",
         "def _elu(z, alpha, a):\n    for block in prange(1, BLOCKS):"),
        ("elu(share(block, z), alpha, share(block, a))", "elu(share(block, z), -alpha, share(block, a))"),
        ("elu(share(block, z), alpha, share(block, a))", "elu(share(0, z), alpha, share(block, a))"),
        ("def _elu_prime(da, a, alpha, dz):\n    for block in prange(BLOCKS):",
         "def _elu_prime(da, a, alpha, dz):\n    for block in prange(BLOCKS - 1):"),
        ("elu_prime(share(block, da), share(block, a), alpha, share(block, dz))",
         "elu_prime(share(block, da), share(block, da), alpha, share(block, dz))"),
        ("elu_prime(share(block, da), share(block, a), alpha, share(block, dz))",
         "elu_prime(share(block, a), share(block, a), alpha, share(block, dz))"),
        ("elu_prime(share(block, da), share(block, a), alpha, share(block, dz))",
         "elu_prime(share(block, da), share(block, a), -alpha, share(block, dz))"),
        ("def _gelu(z, a):\n    for block in prange(BLOCKS):", "def _gelu(z, a):\n    for block in prange(1, BLOCKS):"),
        ("gelu(share(block, z), share(block, a))", "gelu(share(block, a), share(block, a))"),
        ("gelu(share(block, z), share(block, a))", "gelu(share(0, z), share(block, a))"),
        ("def _gelu_prime(da, z, dz):\n    for block in prange(BLOCKS):",
         "def _gelu_prime(da, z, dz):\n    for block in prange(BLOCKS - 1):"),
        ("gelu_prime(share(block, da), share(block, z), share(block, dz))",
         "gelu_prime(share(block, da), share(block, da), share(block, dz))"),
        ("gelu_prime(share(block, da), share(block, z), share(block, dz))",
         "gelu_prime(share(block, z), share(block, z), share(block, dz))"),
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
        ("delta[i, j] = a[i, j] - y[i, j]", "delta[i, j] = y[i, j] - a[i, j]"),
        ("        cost[i] = 0\n", ""),
        ("or a[i, j] != a[i, j]:", "or False:"),
        ("cost[i] -= y[i, j]", "cost[i] = -y[i, j]"),
        ("math.log(least if a[i, j] < least else a[i, j])", "math.log(a[i, j]) if a[i, j] else 0"),
        ("math.log(least if a[i, j] < least else a[i, j])", "math.log(max(a[i, j], 1e-3))"),
    ],
    ("dropout", "ops/test_dropout.py"): [
        ("a[i] * scale if mask[i] else 0", "a[i] * scale if not mask[i] else 0"),
        ("a[i] * scale if mask[i] else 0", "a[i] * scale * mask[i]"),
        ("a[i] * scale if mask[i] else 0", "a[i] if mask[i] else 0"),
        ("a[i] * scale if mask[i] else 0", "a[i] * scale if mask[0] else 0"),
        ("for i in range(out.size):", "for i in range(out.size - 1):"),
        ("factor = buffer(work, name, flat.shape, a.dtype), a.dtype.type(scale(p_dropout, inverted))", "factor = buffer(work, name, flat.shape, a.dtype), a.dtype.type(scale(p_dropout, True))"),
        ("flat.reshape(-1), a.dtype.type(scale(p_dropout, inverted)),\n                 mask", "flat.reshape(-1), a.dtype.type(scale(p_dropout, True)),\n                 mask"),
        ("def _draw_and_mask(key, least, a, scale, mask, out):\n    for block in prange(BLOCKS):",
         "def _draw_and_mask(key, least, a, scale, mask, out):\n    for block in prange(BLOCKS - 1):"),
        ("draw(key, least, first(block, mask.size), some)", "draw(key, least, first(block, mask.size) + 1, some)"),
        ("masked(share(block, a), some, scale", "masked(share(0, a), some, scale"),
        ("(masked if a.size <= FEW else _masked,", "(masked if a.size < FEW else _masked,"),
        ("masked(share(block, a), share(block, mask), scale", "masked(share(block, a), share(0, mask), scale"),
        ("def _masked(a, mask, scale, out):\n    for block in prange(BLOCKS):",
         "def _masked(a, mask, scale, out):\n    for block in prange(1, BLOCKS):"),
        ("def _draw(key, least, mask):\n    for block in prange(BLOCKS):",
         "def _draw(key, least, mask):\n    for block in prange(BLOCKS - 1):"),
        ("draw(key, least, first(block, mask.size), share(block, mask))", "draw(key, least, 0, share(block, mask))"),
        ("draw(key, least, first(block, mask.size), share(block, mask))",
         "draw(key, least, block * share(block, mask).size, share(block, mask))"),
        ("y = np.uint64(start + i) * key", "y = np.uint64(start + i + 1) * key"),
        ("z = y + key", "z = y - key"),
        ("x = y * y + y", "x = y * y + z"),
        ("        x = x * x + z\n", "        x = x * x + y\n"),
        ("        x = x * x + y\n", "        x = x * x + z\n"),
        ("x = x * x + y\n        x = x >> half | x << half", "x = x * x + y\n        x = x << half"),
        ("(x * x + z) >> half >= least", "(x * x + z) >> half > least"),
        ("(x * x + z) >> half >= least", "(x * x + y) >> half >= least"),
        ("(x * x + z) >> half >= least", "(x * x + z) >> half < least"),
    ],
    ("gather", "ops/test_gather.py"): [
        ("1 / 256 if images.dtype", "1 / 255 if images.dtype"),
        ("images.dtype == np.uint8 else 1)", "images.dtype != np.uint8 else 1)"),
        ("    if not checked:\n", "    if checked:\n"),
        ("first(block + 1, some.size)", "first(block + 1, some.size - 1)"),
        ("as_floats(images[some[i]], scale, x[i])", "as_floats(images[i], scale, x[i])"),
        ("as_floats(images[some[i]], scale, x[i])", "as_floats(images[some[i]], scale, x[0])"),
        ("rows[which[some[i]]]", "rows[some[i]]"),
        ("rows[which[some[i]]]", "rows[which[i]]"),
        ("copy_to(y[i], rows", "copy_to(y[0], rows"),
        ("x[t] = image[t] * scale", "x[t] = image[0] * scale"),
        ("x[t] = image[t] * scale", "x[t] = image[t]"),
        ("for t in range(x.size):", "for t in range(1, x.size):"),
    ],
    # What is written in the compiler's own language.
    ("tile", "ops/test_recurrent.py"): [
        ("panel_numba", "builder.mul(apart, count(i))", "builder.mul(step, count(i))"),
        ("panel_numba", "builder.mul(loop.index, count(WIDTH))", "loop.index"),
        ("panel_numba", "builder.mul(loop.index, step)", "loop.index"),
        ("panel_numba", "builder.add(builder.mul(row, length), column)", "builder.mul(row, length)"),
        ("panel_numba", "builder.mul(length, count(i))", "builder.mul(length, count(0))"),
        ("panel_numba", "[0] * WIDTH", "[0] * (WIDTH - 1) + [1]"),
    ],
    # Threads that share scratch memory: only a race shows it, so with the compiler and four threads.
    ("threads", "test_same_bits.py test_backends.py"): [
        ("conv_pool_numba", "thread, n = get_thread_id(), cols", "thread, n = 0, cols"),
        ("conv_pool_numba", "thread, ow = get_thread_id(), maps.shape[2]", "thread, ow = 0, maps.shape[2]"),
        ("conv_pool_numba", "thread, m, filters = get_thread_id(),", "thread, m, filters = 0,"),
        ("conv_pool_numba", "one = dz[thread]", "one = dz[0]"),
        ("conv_numba", "thread = get_thread_id()\n        clear(w_share", "thread = 0\n        clear(w_share"),
        ("dense_numba", "one_share[get_thread_id()]", "one_share[0]"),
        ("dense_numba", "some[get_thread_id(), :m", "some[0, :m"),
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
