"""What the README says must be so: its links, its breakpoint, its Python."""

import io
import re
from pathlib import Path

import numpy as np
import pytest

import nndl
import nndl.cli
from nndl import reproduced
from nndl.experiments import EXPERIMENTS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link


def test_links_within_lead_to_a_heading():
    headings = re.findall(r"^#+ (.*)$", README, flags=re.M)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]+)\)", README)
    assert len(links) > 5 and set(links) <= anchors


def test_the_breakpoint_is_where_bp4_is_computed():
    path, line = re.search(r"\(Pdb\) b (\S+):(\d+)", README).groups()
    assert (ROOT / path).read_text().splitlines()[int(line) - 1].strip().startswith("nabla_w = ")


def test_each_command_stands_alone():
    setup, test = re.findall(r"^python3 -m venv .*$", README, flags=re.M)
    assert setup.endswith("nndl train")
    assert "-m pytest" in test


@pytest.mark.parametrize("name", ["--data", "--epochs", "--mini-batch-size", "--eta", "--lmbda",
                                  "--seed", "--backend", "--threads", "--out"])
def test_the_options_are_those_of_train(name, capsys):
    assert name in README
    with pytest.raises(SystemExit):
        nndl.cli.main(["train", "--help"])
    assert name in capsys.readouterr().out


def test_the_python_runs(tmp_path, monkeypatch, capsys):
    """The library example, on few images and one epoch."""
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, flags=re.S)
                if "net.save" in block)
    splits = nndl.load_mnist()
    few = nndl.data.Splits(*(nndl.data.Dataset(part.images[:100], part.labels[:100])
                             for part in splits))
    monkeypatch.setattr(nndl, "load_mnist", lambda: few)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    shown = capsys.readouterr().out
    assert "85,670" in shown and "epoch 3/3" in shown
    assert (tmp_path / "digits.npz").exists()
    names["net"].trace(np.zeros((2, 28, 28)), np.array([1, 2]))


def test_the_books_numbers_are_those_of_the_results():
    """The README's table, row by row, but for the word that a newer program makes a result stale."""
    shown = re.search(r"\| experiment \|.*?\n\n", README, flags=re.S).group(0).strip().splitlines()[2:]
    rows = reproduced.table(EXPERIMENTS.values(), ROOT / "benchmarks" / "results" / "reproduce")
    found = reproduced.markdown(rows).replace(", stale |", " |").replace("| stale |", "|  |")
    assert shown == found.splitlines()[2:]


def test_the_trace_shown_is_what_trace_prints():
    """All but the numbers, which are those of a trained network."""
    shown = re.search(r"```\n(One mini-batch.*?)```", README, flags=re.S).group(1)
    printed = io.StringIO()
    images, labels = nndl.load_mnist().training
    nndl.cli.book_network().trace(images[:10], labels[:10], file=printed)

    def words(text):
        return [line[:85] for line in text.splitlines() if not line.startswith("Cost")]

    assert words(shown) == words(printed.getvalue())
