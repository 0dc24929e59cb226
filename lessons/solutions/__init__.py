"""Worked solutions to the book's exercises that compute something; the lessons name them.

Each is a program of its own: python -m lessons.solutions.four_bits.  Its docstring is the exercise in
our words and the answer; main computes it, and hands back the numbers.  Figures go to
pictures/solutions/.
"""
