"""Code run in a process of its own: what is settled when nndl or Numba is imported."""

import os
import subprocess
import sys
import textwrap


def in_a_new_process(code, **environment):
    """Run code in a fresh Python; an environment variable given as None is taken away."""
    everything = {**os.environ, **environment}
    everything = {name: value for name, value in everything.items() if value is not None}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], text=True,
                          env=everything, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
