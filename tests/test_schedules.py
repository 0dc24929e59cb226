"""Learning-rate schedules."""

import numpy as np

from nndl.schedules import falling


def test_five_epochs_halve_eta_each_time():
    assert np.allclose([falling(0.08, 5)(epoch) for epoch in range(5)],
                       [0.08, 0.04, 0.02, 0.01, 0.005])


def test_it_ends_at_the_fraction_whatever_the_number_of_epochs():
    for epochs in (2, 3, 60):
        eta = falling(0.3, epochs, to=0.1)
        assert eta(0) == 0.3 and np.isclose(eta(epochs - 1), 0.03)
    assert falling(0.3, 1)(0) == 0.3
