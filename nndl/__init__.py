"""nndl: the networks of Nielsen's *Neural Networks and Deep Learning*, from scratch.

    from nndl import ConvPool, Dense, Network, ReLU, Softmax, load_mnist

See nndl/network.py for where to begin reading, README.md for how to step through.
"""

from .backends import set_threads
from .costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from .data import Sequences, load_folder, load_mnist, read_idx
from .layers import (
    ELU,
    GELU,
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Flatten,
    L2Pool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from .network import Diverged, History, Network
from .recurrent import LSTM, Embedding, EncoderDecoder, Last, Recurrent

__version__ = "0.1.0"
__all__ = [
    "ELU", "GELU", "LSTM", "Conv", "ConvPool", "CrossEntropyCost", "Dense", "Diverged", "Dropout",
    "Embedding", "EncoderDecoder", "Flatten", "History", "L2Pool", "Last", "Layer", "LeakyReLU",
    "LogLikelihoodCost", "MaxPool", "Network", "QuadraticCost", "ReLU", "Recurrent", "Sequences",
    "Sigmoid", "Softmax", "Tanh", "load_folder", "load_mnist", "read_idx", "set_threads",
]
