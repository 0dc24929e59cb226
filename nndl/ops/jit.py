"""What every Numba file shares: how kernels are compiled and cut into blocks."""

import numba
from numba import prange

# Of "fast math" only what keeps NaN and infinity meaningful: a*b+c in one instruction, sums in
# another order, and no care for the sign of zero.
FASTMATH = {"contract", "reassoc", "nsz"}

# Work is cut into this many blocks whatever the number of threads; threads only choose who
# computes which block, so that the result has the same bits for any number of them.
BLOCKS = 8

# Up to so many multiplications, or other operations, one thread is done before a second has begun.
TOO_FEW_TO_SHARE = 200_000

# Matrix products up to this many multiplications take OpenBLAS's kernels for small ones, which
# do not first copy both matrices into an order of their own: half again as fast.
SMALL_PRODUCT = 1_000_000
MOST_ROWS = 32  # of such a product, so that they stay in cache

# Scratch memory is one piece for each thread, at numba.get_thread_id(): what a thread has just used
# is in its cache still when it takes the next block.
THREADS = numba.config.NUMBA_NUM_THREADS

# An index may be negative in Python, and Numba asks each time.  `offset & NOT_NEGATIVE` changes no
# offset that is not, and tells the compiler so: it then takes many numbers at once.  An index that
# counts from 0 in a slice needs no telling.
NOT_NEGATIVE = 2**62 - 1


def _compiled(fastmath=FASTMATH, **options):
    # Nobody calls a kernel from C: a tenth of the time that compiling takes.
    options |= {"fastmath": fastmath, "error_model": "numpy", "no_cfunc_wrapper": True}

    def decorate(function):
        # Only where backends.cache_folder found one.  Left to itself Numba keeps kernels beside the
        # source, and there does not notice when one that they call has changed.
        keep = bool(numba.config.CACHE_DIR)
        try:
            return numba.njit(cache=keep, **options)(function)
        except RuntimeError:  # Numba found no folder that it may write its cache to
            return numba.njit(**options)(function)
    return decorate


kernel = _compiled()                        # runs on the thread that calls it
parallel_kernel = _compiled(parallel=True)  # has one prange over BLOCKS
# The same for one number at a time, where fast math gains nothing.  With it the compiler may round
# a*b+c once or twice as it likes, and did so otherwise in a process that compiled a kernel than in
# those that later took it from the cache.
elementwise_kernel = _compiled(fastmath=False, parallel=True)
exact_kernel = _compiled(fastmath=False)    # the same on the thread that calls it
# The same for what is called once for each number: a part of its caller, so that the compiler sees
# the loop around it.
inlined_kernel = _compiled(fastmath=False, forceinline=True)


@kernel
def first(block, n):
    """Where block number `block` of n things begins; it ends where the next one begins."""
    return block * n // BLOCKS


@kernel
def share(block, x):
    """Block number `block` of an array x (n,).  A slice of its own: see NOT_NEGATIVE."""
    return x[first(block, x.size):first(block + 1, x.size)]


@kernel
def clear(x):
    """x = 0.  (Said in a parallel kernel itself, it would be compiled as a parallel loop.)"""
    x[:] = 0


@exact_kernel
def copy_to(target, source):
    """target = source, for two runs of memory."""
    for t in range(target.size):
        target[t] = source[t]


@exact_kernel
def add_to(target, source):
    """target += source, for two runs of memory."""
    for t in range(target.size):
        target[t] += source[t]


@kernel
def add_runs(target, source, begin, d):
    """target += runs of source, each times its own d: run q begins at begin[q].

    Four at a time, so that target is loaded and stored once for all, and what is left one by one.
    """
    fours = d.size // 4 * 4
    for q in range(0, fours, 4):
        s0, s1 = begin[q] & NOT_NEGATIVE, begin[q + 1] & NOT_NEGATIVE
        s2, s3 = begin[q + 2] & NOT_NEGATIVE, begin[q + 3] & NOT_NEGATIVE
        d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 3]
        for t in range(target.size):
            target[t] += (d0 * source[s0 + t] + d1 * source[s1 + t]
                          + d2 * source[s2 + t] + d3 * source[s3 + t])
    for q in range(fours, d.size):
        s0, d0 = begin[q] & NOT_NEGATIVE, d[q]
        for t in range(target.size):
            target[t] += d0 * source[s0 + t]


@kernel
def add_patches(target, at, target_step, source, begin, source_step, d, rows, run):
    """As add_runs, where a patch is `rows` runs of `run` numbers, target_step or source_step apart.

    All rows of four patches come before the next four: a tenth faster than add_runs row by row.
    """
    fours = d.size // 4 * 4
    for q in range(0, fours, 4):
        for u in range(rows):
            t, s = (at + u * target_step) & NOT_NEGATIVE, u * source_step
            s0, s1 = (begin[q] + s) & NOT_NEGATIVE, (begin[q + 1] + s) & NOT_NEGATIVE
            s2, s3 = (begin[q + 2] + s) & NOT_NEGATIVE, (begin[q + 3] + s) & NOT_NEGATIVE
            d0, d1, d2, d3 = d[q], d[q + 1], d[q + 2], d[q + 3]
            for i in range(run):
                target[t + i] += (d0 * source[s0 + i] + d1 * source[s1 + i]
                                  + d2 * source[s2 + i] + d3 * source[s3 + i])
    for q in range(fours, d.size):
        for u in range(rows):
            t = (at + u * target_step) & NOT_NEGATIVE
            s0, d0 = (begin[q] + u * source_step) & NOT_NEGATIVE, d[q]
            for i in range(run):
                target[t + i] += d0 * source[s0 + i]


def rows_at_once(rows, cost):
    """How many of the rows of a matrix product to compute at once, each `cost` multiplications.

    As many as make a small product, but no more than MOST_ROWS.  If that is few and there are many,
    all of them: a large product is as fast.
    """
    few = SMALL_PRODUCT // max(1, cost)
    return rows if few < MOST_ROWS <= rows else max(1, min(few, rows, MOST_ROWS))


@elementwise_kernel
def sum_shares(shares, out):
    """out (n,) = the sum of what blocks have summed, shares (number, n), in their order."""
    for block in prange(BLOCKS):
        part = share(block, out)
        copy_to(part, share(block, shares[0]))
        for other in range(1, shares.shape[0]):
            add_to(part, share(block, shares[other]))
