"""Ten digits in two styles each, as strokes: for the page of `nndl draw`, whose tests draw them too.

A stroke is a list of points in a unit square, x to the right, y downwards.
"""

import numpy as np


def arc(x, y, wide, high, begin, end, n=9):
    """n points of an ellipse around (x, y); angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(begin, end, n))
    return [(x + wide * np.cos(angle), y + high * np.sin(angle)) for angle in angles]


DIGITS = {
    0: ([arc(0.5, 0.5, 0.32, 0.48, -90, 270, 14)],
        [arc(0.5, 0.5, 0.22, 0.48, -60, 305, 14)]),
    1: ([[(0.5, 0.02), (0.5, 0.5), (0.5, 0.98)]],
        [[(0.3, 0.25), (0.55, 0.03), (0.52, 0.5), (0.5, 0.98)]]),
    2: ([[*arc(0.48, 0.28, 0.28, 0.26, 190, 380), (0.5, 0.7), (0.2, 0.97), (0.85, 0.97)]],
        [[*arc(0.5, 0.28, 0.3, 0.26, 200, 395), (0.4, 0.78), *arc(0.3, 0.85, 0.12, 0.1, 20, 330, 7),
          (0.6, 0.97), (0.88, 0.9)]]),
    3: ([[*arc(0.45, 0.26, 0.28, 0.24, 200, 445), *arc(0.45, 0.74, 0.32, 0.25, -80, 160)]],
        [[(0.2, 0.04), (0.78, 0.04), (0.45, 0.4), *arc(0.45, 0.7, 0.33, 0.28, -80, 155)]]),
    4: ([[(0.3, 0.04), (0.22, 0.55), (0.8, 0.55)], [(0.66, 0.1), (0.62, 0.98)]],
        [[(0.62, 0.98), (0.62, 0.03), (0.14, 0.65), (0.88, 0.65)]]),
    5: ([[(0.78, 0.04), (0.3, 0.05), (0.26, 0.45), *arc(0.46, 0.68, 0.32, 0.28, -110, 150)]],
        [[(0.3, 0.06), (0.28, 0.44), *arc(0.48, 0.67, 0.28, 0.3, -100, 140)],
         [(0.3, 0.06), (0.8, 0.03)]]),
    6: ([[(0.68, 0.03), (0.42, 0.25), (0.27, 0.55), *arc(0.5, 0.72, 0.24, 0.25, 190, -175, 11)]],
        [[*arc(0.62, 0.4, 0.36, 0.37, -80, -165, 5), (0.24, 0.68),
          *arc(0.5, 0.72, 0.26, 0.25, 180, -170, 11)]]),
    7: ([[(0.15, 0.05), (0.82, 0.05), (0.6, 0.4), (0.42, 0.98)]],
        [[(0.15, 0.08), (0.85, 0.05), (0.6, 0.5), (0.45, 0.98)], [(0.35, 0.52), (0.8, 0.48)]]),
    8: ([[*arc(0.5, 0.26, 0.24, 0.24, 60, -270, 10), *arc(0.5, 0.75, 0.29, 0.24, -90, 270, 11)]],
        [[*arc(0.5, 0.26, 0.24, 0.23, -20, -250, 8), *arc(0.5, 0.74, 0.27, 0.25, -70, 250, 10),
          (0.62, 0.45), (0.72, 0.2)]]),
    9: ([[*arc(0.48, 0.3, 0.25, 0.27, -10, -350, 11), (0.73, 0.3), (0.7, 0.65), (0.66, 0.98)]],
        [[*arc(0.5, 0.3, 0.27, 0.27, -5, -355, 11), (0.77, 0.3),
          *arc(0.45, 0.62, 0.31, 0.35, -10, 130, 7)]]),
}


def drawings(sizes=(0.4, 0.6, 0.85)):
    """(digit, its strokes) for each style and size, in parts of a sheet; half stand off its centre."""
    for digit, styles in DIGITS.items():
        for style, strokes in enumerate(styles):
            for number, size in enumerate(sizes):
                room = 1 - size
                in_the_middle = (number + style) % 2
                left, top = (0.5, 0.5) if in_the_middle else (0.25, 0.8)
                yield digit, [[(left * room + size * x, top * room + size * y) for x, y in stroke]
                              for stroke in strokes]
