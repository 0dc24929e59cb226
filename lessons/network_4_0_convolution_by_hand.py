"""4.0  What does a convolution compute, number by number?

Book: chapter 6, "Introducing convolutional networks".
Before: 3.0.0.
Next: 4.1, what the filters of a trained network look for.

    python -m lessons 4.0          a 5 x 5 image with a pencil, then a mini-batch of 10 digits, timed
    python -m lessons 4.0 --full   the same with a mini-batch of 100

Steps through: im2col and conv_forward in nndl/ops/conv_numpy.py; the same, band by band, in
nndl/ops/conv_numba.py.

Measured in 0.1 minutes: Loops, NumPy and Numba compute the same map, to 5e-15; for 10 digits NumPy
    is 1,996 times and Numba 6,486 times as fast as the loops.

Exercises
1. Work out with a pencil the map for stride 2 and padding 1 together: how large is it, and what is its
   upper left number?  Then let convolve() of this lesson say it.  Worked:
   solutions/stride_and_padding.py
"""

import time

import numpy as np

from nndl import backends, load_mnist, plots
from nndl.lesson import Lesson, command_line, counted

IMAGE = [[0, 3, 3, 3, 0],  # a small 7, its ink from 0 to 3
         [0, 0, 0, 3, 0],
         [0, 0, 3, 0, 0],
         [0, 3, 0, 0, 0],
         [0, 3, 0, 0, 0]]
FILTER = [[1, 0, -1],      # ink at the left of the patch excites, at the right it inhibits
          [2, 0, -2],
          [1, 0, -1]]
BIAS = 1
WAYS = {"stride 1": (1, 0), "stride 2": (2, 0), "padding 1": (1, 1)}  # name -> (stride, padding)
MAPS, KERNEL = 20, 5       # the book's first layer, for the clock
FULL = {"mini_batch_size": 100}


def convolve(x, w, b, stride=1, padding=0):
    """z of book (125), by seven loops and nothing else.

    x : (m, c, h, w) images;  w : (f, c, kh, kw) a filter for each map;  b : (f,) a bias for each map
    Returns z : (m, f, oh, ow).
    """
    x = framed(x, padding)
    m, c, height, width = x.shape
    f, _, kh, kw = w.shape
    oh, ow = (height - kh) // stride + 1, (width - kw) // stride + 1
    z = np.zeros((m, f, oh, ow))
    for example in range(m):
        for feature in range(f):
            for j in range(oh):
                for k in range(ow):
                    total = b[feature]
                    for channel in range(c):
                        for row in range(kh):
                            for column in range(kw):
                                total += (w[feature, channel, row, column]
                                          * x[example, channel, j * stride + row, k * stride + column])
                    z[example, feature, j, k] = total
    return z


def patches(x, kernel, stride=1, padding=0):
    """im2col of one image (c, h, w) by loops: a row for each place that the kernel can lie at."""
    x = framed(x[None], padding)[0]
    _, height, width = x.shape
    return np.array([x[:, j:j + kernel, k:k + kernel].ravel()
                     for j in range(0, height - kernel + 1, stride)
                     for k in range(0, width - kernel + 1, stride)])


def framed(x, padding):
    """Images (m, c, h, w) in a frame of zeros, so many pixels wide."""
    m, c, height, width = x.shape
    larger = np.zeros((m, c, height + 2 * padding, width + 2 * padding))
    larger[:, :, padding:padding + height, padding:padding + width] = x
    return larger


def main(mini_batch_size=10, seed=0, out="pictures"):
    """Convolve by loops, with NumPy and with Numba.  Returns maps, differences and seconds."""
    lesson = Lesson(__file__, out, mini_batch_size=mini_batch_size, seed=seed)
    lesson.idea("""
        Lay a small window on the image, multiply each pixel under it by the weight above it, add all
        up, add a bias: that is one neuron's z.  Move the window on and do it again with the same
        weights: that is its neighbour.  All of them together are a feature map, which says where in
        the image there is what the weights look for.

        Nothing of this needs more than loops.  But a computer is at its best with one large product
        of matrices, and im2col makes one of it: it writes each patch down as a row.""")
    lesson.mathematics("""
        a_jk = σ(b + Σ_l Σ_m w_lm a_(j+l, k+m))                              (125)
        z = cols wᵀ + b,  cols: a row for each place of the window           the same
        rows of the map = floor((h + 2 padding - kernel) / stride) + 1""")
    x, w, b = np.array([[IMAGE]], float), np.array([[FILTER]], float), np.array([BIAS], float)
    show("The image x, the filter w, and a bias of " + str(BIAS), x[0, 0], w[0, 0])

    lesson.step("The first neuron, upper left: the window lies on rows and columns 0 to 2.")
    corner = x[0, 0, :3, :3]
    terms = " + ".join(f"{int(a)}·({int(v)})" for a, v in zip(corner.ravel(), w.ravel()) if a * v)
    print(f"    z = {BIAS} + {terms} = {int((corner * w[0, 0]).sum() + BIAS)}"
          "    (products with a 0 left out)")
    maps = {name: convolve(x, w, b, *way)[0, 0] for name, way in WAYS.items()}
    lesson.step("And so on, place by place.  A stride of 2 moves the window two pixels at a time, a "
                "padding of 1 puts a frame of zeros around the image first:")
    for name, z in maps.items():
        show(f"{name}: a map of {z.shape[0]} x {z.shape[1]}", z)
    cols = patches(x[0], 3)
    lesson.step(f"im2col: the {len(cols)} patches as rows, from left to right and from above; the "
                "filter as a column.  One product of matrices, plus the bias, is the map for stride 1:")
    show("cols, w as a column, cols wᵀ + b", cols, w.reshape(-1, 1), cols @ w.reshape(-1, 1) + BIAS)

    rng, digits = np.random.default_rng(seed), load_mnist().test
    jobs = {"the 5 x 5 image": (x, w, b),
            f"{counted(mini_batch_size, 'digit')}, {MAPS} maps of {KERNEL} x {KERNEL}": (
                digits.images[:mini_batch_size, None] / 256,
                rng.normal(size=(MAPS, 1, KERNEL, KERNEL)), rng.normal(size=MAPS))}
    lesson.step("Three programs, the same arguments, the clock: the loops above, the library's "
                "conv_forward in NumPy, and in Numba.")
    programs = {"loops": convolve} | {name: backends.get(name).conv_forward
                                      for name in ("numpy", "numba")}
    seconds, apart = {}, {}
    for job, arguments in jobs.items():
        for name, program in programs.items():
            with backends.get("numba" if name == "numba" else "numpy").running():
                if name == "numba":
                    program(*arguments)  # its first call compiles, or looks for what was compiled
                seconds[job, name], z = best_time(program, arguments)
            if name == "loops":
                expected = z
            apart[job, name] = float(np.abs(z - expected).max())
    small, large = jobs
    lesson.table(
        ("", "ms", "times as fast", "largest difference to the loops"),
        [(f"{job}: {name}", f"{1000 * seconds[job, name]:,.3f}",
          f"{seconds[job, 'loops'] / seconds[job, name]:,.1f}", f"{apart[job, name]:.1g}")
         for job in jobs for name in programs])

    for name, (stride, padding) in WAYS.items():  # the library says the same for these
        z = backends.get("numpy").conv_forward(x, w, b, (stride, stride), (padding, padding))
        apart[name, "numpy"] = float(np.abs(z[0, 0] - maps[name]).max())
    plots.rows_of_images(
        [("the image, 5 x 5", x[0]), ("the filter, 3 x 3", w[0]),
         (f"its {len(cols)} patches, the rows of im2col", cols.reshape(-1, 3, 3)),
         *((f"the map for {name}, {z.shape[0]} x {z.shape[1]}", z[None]) for name, z in maps.items())],
        lesson.path("by_hand.png"), f"{len(cols)} patches of a 5 x 5 image make a map of "
        f"{maps['stride 1'].size} neurons, all with the same {w.size} weights",
        ["dark is more ink or a larger z; where a row has negative numbers mid-grey is 0"])
    edges = backends.get("numpy").conv_forward(digits.images[:6, None] / 256, w, b * 0)[:, 0]
    plots.rows_of_images(
        [("six test digits, 28 x 28", digits.images[:6] / 256),
         (f"their maps, {edges.shape[1]} x {edges.shape[2]}", edges)], lesson.path("digits.png"),
        "The same filter on digits: dark along the right side of a stroke, light along its left side",
        ["mid-grey is 0: nothing there, or as much ink at the left of the patch as at the right"])
    worst = max(apart.values())
    faster = {key: f"{seconds[key[0], 'loops'] / s:,.{0 if key[0] == large else 1}f}"
              for key, s in seconds.items()}
    lesson.take_away(
        f"Loops, NumPy and Numba compute the same map, to {worst:.1g}; for "
        f"{counted(mini_batch_size, 'digit')} NumPy is {faster[large, 'numpy']} times and Numba "
        f"{faster[large, 'numba']} times as fast as the loops.",
        f"""On the 5 x 5 image it is {faster[small, 'numpy']} times and {faster[small, 'numba']} times:
        a call costs something of its own, which only pays where there is much to compute.  Last digits
        differ where numbers are added up in another order.""",
        """The filter is laid on as it is.  A mathematician's convolution would turn it by 180 degrees
        first, and calls this a cross-correlation; a network that learns its filters does not mind.""")
    return lesson.end(maps={name: z.tolist() for name, z in maps.items()}, apart=worst,
                      seconds={f"{job}: {name}": s for (job, name), s in seconds.items()},
                      times_as_fast={name: seconds[large, "loops"] / seconds[large, name]
                                     for name in programs})


def show(title, *matrices):
    """Print matrices of whole numbers side by side."""
    high = max(len(matrix) for matrix in matrices)
    print(f"\n    {title}")
    for row in range(high):
        print("    " + "     ".join(
            " ".join(f"{int(v):3d}" for v in matrix[row]) if row < len(matrix)
            else "    " * matrix.shape[1] for matrix in matrices).rstrip())


def best_time(program, arguments, at_least=0.2, most=200):
    """(seconds, result) of the fastest of several calls: what disturbs a call only makes it slower."""
    times = []
    while sum(times) < at_least and len(times) < most:
        start = time.perf_counter()
        result = program(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), result


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
