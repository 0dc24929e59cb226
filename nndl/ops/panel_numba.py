"""Matrix products of few rows with one matrix again and again, as a recurrent layer has at each step.

A library's product first copies the matrix into an order of its own.  For five rows that takes longer
than the product; but it is the same matrix at every step of the sequence, so here it is put in order
once: in panels, each WIDTH columns of it.  OpenBLAS reaches 12 GF/s with 5 x 128 times 128 x 512 on a
CPU with AVX2, this 70, of the 92 that its largest products reach.
"""

from .jit import NOT_NEGATIVE, copy_to, kernel

WIDTH = 64           # columns of a panel: a run long enough for the processor
ROWS_AT_ONCE = 96    # of a panel, that stay in the fastest cache while all rows of x meet them


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
    width, k = panels.shape[2], 0
    while k < numbers.size:
        p, c = (column + k) // width, (column + k) % width
        run = min(width - c, numbers.size - k)
        copy_to(panels[p, row, c:c + run], numbers[k:k + run])
        k += run


@kernel
def out_of_panels(panels, row, column, numbers):
    """Read numbers from a row of panels, from a column on."""
    width, k = panels.shape[2], 0
    while k < numbers.size:
        p, c = (column + k) // width, (column + k) % width
        run = min(width - c, numbers.size - k)
        copy_to(numbers[k:k + run], panels[p, row, c:c + run])
        k += run


def pair_kernel(columns):
    """add_pair for panels of which so many columns are there.  (A width that the compiler knows.)"""
    @kernel
    def add_pair(x, one, other, step, panel, sums):
        """sums += two runs of numbers times a panel, the first one's product before the other's.

        x, panel : flat;  one, other : where the runs begin in x;  step : from a number to the next

        Two runs and four of their numbers at a time: what is loaded of the panel is used twice, and
        sums are loaded and stored once for four products.
        """
        n = panel.size // WIDTH
        fours = n // 4 * 4
        for q in range(0, fours, 4):
            i, j, p = one + q * step, other + q * step, (q * WIDTH) & NOT_NEGATIVE
            x0, x1 = x[i & NOT_NEGATIVE], x[(i + step) & NOT_NEGATIVE]
            x2, x3 = x[(i + 2 * step) & NOT_NEGATIVE], x[(i + 3 * step) & NOT_NEGATIVE]
            y0, y1 = x[j & NOT_NEGATIVE], x[(j + step) & NOT_NEGATIVE]
            y2, y3 = x[(j + 2 * step) & NOT_NEGATIVE], x[(j + 3 * step) & NOT_NEGATIVE]
            for c in range(columns):
                w0, w1 = panel[p + c], panel[p + WIDTH + c]
                w2, w3 = panel[p + 2 * WIDTH + c], panel[p + 3 * WIDTH + c]
                sums[c] += x0 * w0 + x1 * w1 + x2 * w2 + x3 * w3
                sums[WIDTH + c] += y0 * w0 + y1 * w1 + y2 * w2 + y3 * w3
        for q in range(fours, n):
            x0, y0 = x[(one + q * step) & NOT_NEGATIVE], x[(other + q * step) & NOT_NEGATIVE]
            p = (q * WIDTH) & NOT_NEGATIVE
            for c in range(columns):
                sums[c] += x0 * panel[p + c]
                sums[WIDTH + c] += y0 * panel[p + c]

    return add_pair


add_pair, add_half_a_pair = pair_kernel(WIDTH), pair_kernel(WIDTH // 2)


@kernel
def add_product(x, start, stop, panel, columns, sums):
    """sums += the rows of x from start to stop times a panel.

    x : (m, n);  panel : (n, WIDTH), of which so many columns are there
    sums : flat, WIDTH for each row, and for one more if their number is odd: they come in pairs
    """
    n = panel.shape[0]
    numbers, flat = x.reshape(x.size), panel.reshape(panel.size)
    for q in range(0, n, ROWS_AT_ONCE):
        some = flat[q * WIDTH:min(q + ROWS_AT_ONCE, n) * WIDTH]
        for i in range(start, stop, 2):
            other, at = min(i + 1, stop - 1), (i - start) * WIDTH  # an odd one is its own partner
            if columns > WIDTH // 2:
                add_pair(numbers, i * n + q, other * n + q, 1, some, sums[at:at + 2 * WIDTH])
            else:
                add_half_a_pair(numbers, i * n + q, other * n + q, 1, some, sums[at:at + 2 * WIDTH])


@kernel
def add_product_of_columns(x, panel, columns, sums):
    """sums += the columns of x times a panel.

    x : (n, m), m even, n not above ROWS_AT_ONCE;  panel : (n, WIDTH), of which so many columns are
    there;  sums : (m, WIDTH)
    """
    numbers, flat, m = x.reshape(x.size), panel.reshape(panel.size), x.shape[1]
    all_sums = sums.reshape(sums.size)
    for i in range(0, m, 2):
        pair = all_sums[i * WIDTH:(i + 2) * WIDTH]
        if columns > WIDTH // 2:
            add_pair(numbers, i, i + 1, m, flat, pair)
        else:
            add_half_a_pair(numbers, i, i + 1, m, flat, pair)
