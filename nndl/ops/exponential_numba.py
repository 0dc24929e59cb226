"""e^x and the normal distribution, from operations that a processor does for many numbers at once.

The C library's exp, tanh and erf are called for one number at a time.  What stands here is only
additions, products, one quotient and shifted bits, so the compiler turns the loop around it into one
over eight or sixteen numbers.  No step looks at a number's neighbours or rounds otherwise for a last
few: the same number gives the same bits wherever it stands.

`number` is the type computed in, np.float32 or np.float64.  What asks for it is settled when compiling.
"""

import math

import numpy as np
from scipy.special import erfcx

from .jit import inlined_kernel

LN2, LN2_BEYOND = math.log(2), 2.3190468138462996e-17  # ln 2 is their sum to 33 digits


def constants(least, digits, bits):
    """What `exponential` needs of a type: a float has so many binary digits, k so many bits.

    (least, large, ln2, rest): the least x that it computes; a number so large that it has no digits
    behind the point; and ln 2 as a sum, its first part so short that k times it is exact.
    """
    ln2 = round(LN2 * 2**(digits - bits)) / 2**(digits - bits)
    return least, 1.5 * 2.0**(digits - 1), ln2, LN2 - ln2 + LN2_BEYOND


SINGLE, DOUBLE = constants(-88.0, 24, 9), constants(-709.0, 53, 12)  # about ln(2^-127), ln(2^-1023)

# (e^r - 1 - r) / r² as a power series, highest power first.  |r| is at most ln 2 / 2, so that this
# many terms are all that a double can tell; the last six are all that a single can.  They are tuples:
# over an array that short the compiler keeps a loop, and takes ten times as long, one number at a time.
EXP_DOUBLE = tuple(1 / math.factorial(n) for n in range(13, 1, -1))
EXP_SINGLE = EXP_DOUBLE[-6:]


def tail_polynomial(degree):
    """Phi(-x) = e^(-x²/2) t Q(1 - t) with t = 4 / (4 + x): the coefficients of Q, highest power first.

    Without e^(-x²/2) the tail falls like 1/x, and in t, which maps x from 0 to infinity to 1 to 0, a
    polynomial follows that well.  Q(0) = 1/2 exactly; the rest goes through Chebyshev's points.
    """
    def slope(v):
        t = 1 - v
        return (erfcx((4 / t - 4) / math.sqrt(2)) / (2 * t) - 0.5) / v

    rest = np.polynomial.Chebyshev.interpolate(slope, degree - 1, [0, 40 / 44])  # x up to 40
    return (*rest.convert(kind=np.polynomial.Polynomial).coef[::-1].tolist(), 0.5)


TAIL_SINGLE, TAIL_DOUBLE = tail_polynomial(9), tail_polynomial(19)


@inlined_kernel
def polynomial(x, coefficients, number):
    """By Horner's rule, the coefficient of the highest power first; their number is even.

    Every second power at a time: two short sums, which need not wait for each other.
    """
    square = x * x
    y, z = number(coefficients[0]), number(coefficients[1])
    for i in range(2, len(coefficients), 2):
        y = y * square + number(coefficients[i])
        z = z * square + number(coefficients[i + 1])
    return y * x + z


@inlined_kernel
def exponential(x, number):
    """(p, s) with e^x = s + s p, for x that is not positive; s is a power of 2 and p small.

    With x = k ln 2 + r, e^x is 2^k e^r, k whole and |r| at most ln 2 / 2: there e^r - 1, which is p,
    is a short polynomial, and 2^k needs no computing: k is put where a float has its exponent.
    e^x - 1 is (s - 1) + s p, exact near 0, too.  What would be below the smallest normal float is 0.
    """
    single = number is np.float32
    least, large, ln2, rest = SINGLE if single else DOUBLE
    x = number(least) if x < number(least) else x  # this way round, NaN stays NaN
    shifted = x * number(1 / LN2) + number(large)  # rounds, and leaves k in the last bits
    k = shifted - number(large)
    r = x - k * number(ln2) - k * number(rest)
    if single:
        s = number(np.int32((np.float32(shifted).view(np.int32) + 127) << 23).view(np.float32))
        q = polynomial(r, EXP_SINGLE, number)
    else:
        s = number(np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64))
        q = polynomial(r, EXP_DOUBLE, number)
    return r + r * r * q, s


@inlined_kernel
def normal(z, number):
    """(Phi(z), e^(-z²/2)): the normal distribution function, and its density times sqrt(2 pi)."""
    p, s = exponential(number(-0.5) * z * z, number)
    density = s + s * p
    t = number(4) / (number(4) + abs(z))
    if number is np.float32:
        q = polynomial(number(1) - t, TAIL_SINGLE, number)
    else:
        q = polynomial(number(1) - t, TAIL_DOUBLE, number)
    tail = density * t * q  # Phi(-|z|)
    return (tail if z < 0 else number(1) - tail), density
