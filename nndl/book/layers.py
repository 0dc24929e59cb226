"""What network3.py's layers do that ours do not."""

import numpy as np

from ..layers import Dropout


class SameMaskDropout(Dropout):
    """network3's dropout: units are silenced, not scaled, and every layer draws from the same seed.

    p_dropout : the probability that a unit is *dropped*
    So two layers of one size, such as the two of 1,000 neurons in chapter 6, always have the same
    mask, and so do two networks, whatever their seeds: an oversight, see errata.py.
    """

    name = "same_mask_dropout"

    def __init__(self, p_dropout=0.5):
        super().__init__(p_dropout, inverted=False)

    def setup(self, shape, ops, rng, dtype):
        """Any shape."""
        self.own_rng = np.random.default_rng(0)
        return super().setup(shape, ops, rng, dtype)

    def key(self):
        """The same for every such layer of a network, mini-batch by mini-batch."""
        return self.own_rng.bit_generator.random_raw()

    @property
    def random_state(self):
        """Of its own generator, see Network.random_state."""
        return self.own_rng.bit_generator.state

    @random_state.setter
    def random_state(self, state):
        self.own_rng.bit_generator.state = state
