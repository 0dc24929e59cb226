"""Matrix products of few rows with one matrix again and again, as a recurrent layer has at each step.

A library's product first copies the matrix into an order of its own.  For five rows that takes longer
than the product; but it is the same matrix at every step of the sequence, so here it is put in order
once: in panels, each WIDTH columns of it.  On a CPU with AVX2 OpenBLAS makes 5 x 128 times 128 x 512 at
13 % of the rate of its largest products, and this at 87 %.

A tile, some rows by WIDTH columns of the product, stays in the processor's registers until it is done.
No loop in Python makes Numba's compiler do that: it stores each sum and loads it again.  So add_tile
is written in the compiler's own language, and stands here in Python, too.
"""

from functools import partial

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import copy_to, kernel

WIDTH = 16           # columns of a panel: a line of cache in float32
TALLEST = 6          # rows of a tile: with 16 registers of 8 numbers, 12 for sums, 2 for the panel
ROWS_AT_ONCE = 384   # of a panel, that stay in cache while columns of x meet them


def panels_of(columns):
    """How many panels so many columns are."""
    return -(-columns // WIDTH)


@kernel
def columns_of(panel, columns):
    """How many of a panel's columns are there: all but in the last one."""
    return min(WIDTH, columns - panel * WIDTH)


@kernel
def into_panels(numbers, column, row, panels):
    """Write numbers into a row of panels, from a column on."""
    p, c, k = column // WIDTH, column % WIDTH, 0
    while k < numbers.size:
        run = min(WIDTH - c, numbers.size - k)
        if run == WIDTH:  # whose number of turns the compiler knows: a few instructions
            for i in range(WIDTH):
                panels[p, row, i] = numbers[k + i]
        else:
            copy_to(panels[p, row, c:c + run], numbers[k:k + run])
        p, c, k = p + 1, 0, k + run


def add_tile(rows, x, begin, apart, step, panel, sums, row, column):
    """sums += some rows of x times a panel, one product after the other in each sum.

    x : flat;  begin, apart, step : where the first row begins in it, from a row to the next, and from
        a number to the next
    panel : (n, WIDTH)
    sums : (., .), of which rows from this row on, and WIDTH columns from this column on
    """
    for i in range(rows):
        for c in range(WIDTH):
            for q in range(len(panel)):
                sums[row + i, column + c] += x[begin + i * apart + q * step] * panel[q, c]


def compiled_tile(rows):
    """add_tile in LLVM's language, for so many rows."""
    @intrinsic
    def tile(context, x, begin, apart, step, panel, sums, row, column):
        def generate(context, builder, signature, arguments):
            x, begin, apart, step, panel, sums, row, column = arguments
            x, panel, sums = (context.make_array(kind)(context, builder, array) for kind, array in (
                (signature.args[0], x), (signature.args[4], panel), (signature.args[5], sums)))
            number = context.get_value_type(signature.args[0].dtype)
            size = signature.args[0].dtype.bitwidth // 8
            vector = ir.VectorType(number, WIDTH)
            add_of_product = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3),
                f"llvm.fmuladd.v{WIDTH}f{8 * size}")

            def count(n):
                return ir.Constant(ir.IntType(64), n)

            def line(array, offset):
                return builder.bitcast(builder.gep(array.data, [offset]), vector.as_pointer())

            def in_all_places(a):
                anything = ir.Constant(vector, ir.Undefined)
                return builder.shuffle_vector(
                    builder.insert_element(anything, a, ir.Constant(ir.IntType(32), 0)), anything,
                    ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))

            _, length = cgutils.unpack_tuple(builder, sums.shape, 2)
            n, _ = cgutils.unpack_tuple(builder, panel.shape, 2)
            first = builder.add(builder.mul(row, length), column)
            lines = [line(sums, builder.add(first, builder.mul(length, count(i)))) for i in range(rows)]
            begins = [builder.add(begin, builder.mul(apart, count(i))) for i in range(rows)]
            # Variables in name: the compiler makes registers of them.
            tile = [cgutils.alloca_once_value(builder, builder.load(at, align=size)) for at in lines]
            with cgutils.for_range(builder, n) as loop:
                w = builder.load(line(panel, builder.mul(loop.index, count(WIDTH))), align=size)
                offset = builder.mul(loop.index, step)
                for begin, total in zip(begins, tile):
                    a = builder.load(builder.gep(x.data, [builder.add(begin, offset)]))
                    builder.store(builder.call(add_of_product,
                                               [in_all_places(a), w, builder.load(total)]), total)
            for at, total in zip(lines, tile):
                builder.store(builder.load(total), at, align=size)
            return context.get_dummy_value()

        return types.void(x, begin, apart, step, panel, sums, row, column), generate
    return tile


_one, _two, _three, _four, _five, _six = (
    partial(add_tile, rows) if numba.config.DISABLE_JIT else compiled_tile(rows)
    for rows in range(1, TALLEST + 1))


@kernel
def add_tiles(x, begin, apart, step, panel, sums, start, stop, column):
    """add_tile for the rows of sums from start to stop: as few tiles as there can be, equally tall."""
    rows = stop - start
    tallest = TALLEST if x.itemsize == 4 else TALLEST // 2  # in float64 a tile is twice as large
    tiles = -(-rows // tallest)
    for k in range(tiles):
        row, end = start + k * rows // tiles, start + (k + 1) * rows // tiles
        at = begin + (row - start) * apart
        if end - row == 1:
            _one(x, at, apart, step, panel, sums, row, column)
        elif end - row == 2:
            _two(x, at, apart, step, panel, sums, row, column)
        elif end - row == 3:
            _three(x, at, apart, step, panel, sums, row, column)
        elif end - row == 4:
            _four(x, at, apart, step, panel, sums, row, column)
        elif end - row == 5:
            _five(x, at, apart, step, panel, sums, row, column)
        else:
            _six(x, at, apart, step, panel, sums, row, column)


@kernel
def add_product(x, start, stop, panel, sums, column):
    """The rows of x (m, n) from start to stop, times a panel (n, WIDTH), to the same rows of sums."""
    n = x.shape[1]
    add_tiles(x.reshape(x.size), start * n, n, 1, panel, sums, start, stop, column)


@kernel
def add_product_of_columns(x, panel, sums, start, stop, column):
    """The columns of x (n, m), times a panel (n, WIDTH), to the rows of sums from start to stop."""
    add_tiles(x.reshape(x.size), 0, 1, x.shape[1], panel, sums, start, stop, column)
