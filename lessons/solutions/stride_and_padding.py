"""Stride 2 and padding 1 together, by pencil and by program.  To lesson 4.0.

The exercise: work out by hand the map that the lesson's small 7 and its filter give for stride 2
and padding 1 together.  How large is it, and what is its upper left number?

The answer: 3 x 3, and -5.  The frame makes 7 x 7 of the image; in it a window of 3 x 3 can begin at
rows 0, 2 and 4, and at columns 0, 2 and 4:

    rows of the map = floor((5 + 2·1 - 3) / 2) + 1 = 3

Upper left the window holds a row and a column of the frame, and of the image only its corner of
2 x 2.  There is ink in one pixel, a 3 to the right of the middle, where the filter has a -2:

    0  0  0        1  0 -1
    0  0  3        2  0 -2        z = 1 + 3·(-2) = -5,  the argument of σ in (125)
    0  0  0        1  0 -1

And so on, place by place: -5 -2 10, then -2 1 4, then -8 10 1.  There is a shorter way.  Padding
says where windows can lie, the stride at which of these places they do: so it is the lesson's map
for padding 1 alone, of which every second row and column is left out.

The floor matters where the stride does not divide h + 2p - k: what is left over, to the right and
below, no window sees.  With stride 3 and no padding only the upper left 3 x 3 of the small 7 is
seen.

    python -m lessons.solutions.stride_and_padding
"""

from pathlib import Path

import numpy as np

from lessons.network_4_0_convolution_by_hand import (
    BIAS,
    FILTER,
    IMAGE,
    WAYS,
    convolve,
    framed,
    patches,
    show,
)
from nndl import backends, plots
from nndl.lesson import solution

STRIDE, PADDING = 2, 1
BY_PENCIL = [[-5, -2, 10], [-2, 1, 4], [-8, 10, 1]]


def unseen(rows, kernel, stride, padding):
    """How many of the last rows, of image and frame, no window sees."""
    return (rows + 2 * padding - kernel) % stride


def main(out="pictures"):
    """By pencil, by loops, by the library.  Returns the map, and the sizes for other ways."""
    x, w, b = np.array([[IMAGE]], float), np.array([[FILTER]], float), np.array([BIAS], float)
    image = framed(x, PADDING)[0]
    side, kernel = x.shape[-1], w.shape[-1]
    z = convolve(x, w, b, STRIDE, PADDING)[0, 0]
    library = backends.get("numpy").conv_forward(x, w, b, (STRIDE,) * 2, (PADDING,) * 2)[0, 0]
    alone = convolve(x, w, b, *WAYS["padding 1"])[0, 0]
    show(f"The image in its frame, the filter, the map for stride {STRIDE} and padding {PADDING}",
         image[0], w[0, 0], z)
    wrong = int((z != BY_PENCIL).sum())
    apart = float(np.abs(z - library).max())
    same = np.array_equal(z, alone[::STRIDE, ::STRIDE])
    print(f"\nBy convolve() the map is {z.shape[0]} x {z.shape[1]}, upper left {z[0, 0]:g}; of the "
          f"pencil's {z.size} numbers {wrong} are wrong, the library's differ by {apart:g}.\nIt "
          f"{'is' if same else 'is not'} every second row and column of padding 1's alone.\n")
    print("The small 7's map for other ways, by convolve(); rows that no window sees:")
    sizes = {}
    for stride in (1, 2, 3):
        for padding in (0, 1, 2):
            one = convolve(x, w, b, stride, padding)[0, 0]
            sizes[stride, padding] = one.shape[0], unseen(side, kernel, stride, padding)
            print(f"    stride {stride}, padding {padding}: {one.shape[0]} x {one.shape[1]}; "
                  f"{sizes[stride, padding][1]} of {side + 2 * padding}")
    saved = plots.rows_of_images(
        [("the image in its frame, {} x {}".format(*image[0].shape), image),
         ("the filter", w[0]),
         (f"what the window sees at its {z.size} places",
          patches(x[0], kernel, STRIDE, PADDING).reshape(-1, kernel, kernel)),
         (f"the map, {z.shape[0]} x {z.shape[1]}", z[None]),
         (f"the map for padding 1 alone, {alone.shape[0]} x {alone.shape[1]}", alone[None])],
        Path(out) / "solutions" / "stride_and_padding.png",
        f"Stride {STRIDE} and padding {PADDING}: {z.size} places for the window, a map of "
        f"{z.shape[0]} x {z.shape[1]}, upper left {z[0, 0]:g}",
        ["dark is more ink or a larger z; where a row has negative numbers mid-grey is 0"])
    print(f"saved: {saved}")
    return {"map": z.tolist(), "apart": apart, "same": same, "sizes": sizes}


if __name__ == "__main__":
    raise SystemExit(solution(main))
