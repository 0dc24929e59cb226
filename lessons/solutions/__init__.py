"""Worked solutions to the exercises of the lessons, the book's first, which name them.

Each is a program of its own: python -m lessons.solutions.four_bits.  Its docstring is the exercise in
our words and the answer; main computes it, and hands back the numbers.  Figures go to
pictures/solutions/.
"""
