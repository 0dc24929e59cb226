"""Benchmarks, one module per question: verify first, then time."""
