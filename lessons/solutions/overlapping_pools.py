"""Max-pooling in windows that overlap: a difference that the runs do not make?  To lesson 4.2.

The exercise: overlapping windows, ConvPool(20, 5, pool_size=3, pool_stride=2): is there a
difference that the runs do not make themselves?

The answer: there is.  With 5 x 5 filters the runs with the two pools overlap, since one draw of the
first weights is better than another by more than the pools differ.  But runs of the same seed begin
with the same filters, so that they can be compared in pairs: in each pair the overlapping windows
are ahead, by some one and a half points on average.

24 x 24 places, which 5 x 5 filters leave, have room for 11 x 11 windows of 3 x 3 that are 2 apart,
and for 12 x 12 of 2 x 2: the dense layers differ, too.  6 x 6 filters leave 23 x 23, and there both
pools make 11 x 11.  All first weights and the order of the images are then the same, and nothing
differs but the windows.  The difference stays, as large, and there not even the runs overlap.

Why, that does not tell.  What goes with it: in a larger window it matters less where the largest
activation stands.  With 6 x 6 filters the maps change less in each pair when a digit moves by a
pixel; with 5 x 5 filters in most.

    python -m lessons.solutions.overlapping_pools
"""

import math
from pathlib import Path

import numpy as np

from lessons.network_4_2_pooling import ETA, LMBDA, MINI_BATCH_SIZE, change_of_maps
from nndl import ConvPool, Dense, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import percent, solution, spread

KERNELS, MOVED = (5, 6), 300
POOLS = {"2 x 2": {"pool_size": 2}, "3 x 3, 2 apart": {"pool_size": 3, "pool_stride": 2}}
BESIDE, OVERLAPPING = POOLS


def build_network(kernel, pool, seed):
    """Lesson 4.2's network, with another filter and pool."""
    return Network([ConvPool(20, kernel, **POOLS[pool]), Dense(100), ReLU(), Dense(10), Softmax()],
                   seed=seed)


def by_chance(ahead, pairs):
    """How often at least so many of the pairs go one way, whichever, if each is a coin's toss."""
    most = max(ahead, pairs - ahead)
    return min(1.0, 2 * sum(math.comb(pairs, n) for n in range(most, pairs + 1)) / 2**pairs)


def main(epochs=4, train_size=5000, runs=5, seed=0, out="pictures"):
    """Returns accuracies, changes of the maps, and the pairs' gains, by size of the filters."""
    training, validation, test = load_mnist()
    accuracies, changes = ({kernel: {pool: [] for pool in POOLS} for kernel in KERNELS}
                           for _ in range(2))
    gains, panels = {}, {}
    print(f"{epochs} epochs on {train_size:,} images; test images right, %, a column for each seed")
    for kernel in KERNELS:
        print(f"{kernel} x {kernel} filters")
        for pool in POOLS:
            for run in range(runs):
                net = build_network(kernel, pool, seed + run)
                net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, LMBDA, progress=False)
                accuracies[kernel][pool].append(net.accuracy(test))
                changes[kernel][pool].append(change_of_maps(net, validation.images[:MOVED]))
            right = accuracies[kernel][pool]
            print(f"    {pool:<16}{' '.join(f'{percent(a):>6}' for a in right)}   {spread(right)}; "
                  f"maps change {spread(changes[kernel][pool], 1)} %")
        gains[kernel], less = ([after - before for before, after in
                                zip(*(those[kernel][pool] for pool in POOLS), strict=True)]
                               for those in (accuracies, changes))
        print(f"    {'in pairs':<16}{' '.join(f'{100 * gain:>+6.2f}' for gain in gains[kernel])}   "
              f"{spread(gains[kernel])}; maps change less in {sum(n < 0 for n in less)} of {runs}\n"
              f"    {compared(accuracies[kernel], OVERLAPPING, BESIDE)}.")
        filters = f"{kernel} x {kernel} filters: test images that are right, percent"
        panels[filters] = {pool: 100 * np.array(of) for pool, of in accuracies[kernel].items()}
    all_gains = [gain for those in gains.values() for gain in those]
    ahead = sum(gain > 0 for gain in all_gains)
    chance = by_chance(ahead, len(all_gains))
    said = f"the overlapping windows are ahead in {ahead} of {len(all_gains)} pairs"
    print(f"In all, {said}, which chance alone does 1 time in {1 / chance:,.0f}.")
    saved = plots.lines(
        panels, Path(out) / "solutions" / "overlapping_pools.png",
        f"Begun with the same filters, {said}, by {100 * np.mean(all_gains):.1f} points on average",
        x="pair of runs with the same first filters",
        note=f"{epochs} epochs on {train_size:,} images")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "changes": changes, "gains": gains, "chance": chance}


if __name__ == "__main__":
    raise SystemExit(solution(main))
