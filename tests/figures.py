"""What the tests of the solutions ask of their figures."""


def figure(tmp_path, name):
    """Whether the solution of this name has saved its figure, with something in it."""
    return (tmp_path / "solutions" / f"{name}.png").stat().st_size > 5000
