"""Learning-rate schedules: functions of the epoch, for Network.SGD's eta.  Book ch. 3.

Far from the minimum large steps are right; near it they only jump about, and a network's accuracy
with them, by 0.2 % from one epoch to the next.  So eta falls while training goes on.
"""


def falling(eta, epochs, to=1 / 16):
    """From eta in the first epoch to eta·to in the last, by the same factor each time.

    eta : learning rate of epoch 0;  epochs : how many there will be;  to : a fraction
    Returns a function: epoch 0, 1, ... -> learning rate.  Over five epochs eta is halved each time.
    """
    if epochs < 2:
        return lambda epoch: eta
    return lambda epoch: eta * to ** (epoch / (epochs - 1))
