"""What the course knows of its lessons: which there are, the short ways through, what they measured.

    python -m lessons.course

writes what follows from the lessons and from their committed results anew: the tables of
lessons/README.md, and the paragraph "Measured" in each lesson's docstring.
"""

import ast
import json
import re
import textwrap
from importlib import import_module
from pathlib import Path

from nndl.files import write_atomically
from nndl.lesson import about, spread

from .claims import CLAIMS

HERE = Path(__file__).parent
RESULTS = HERE / "results"  # quick/ID.json and full/ID.SEED.json, as `--results` writes them
PATHS = {
    "quick": ("1.0", "2.1", "3.0.0", "3.2.0", "4.1"),               # an overview of five
    "cnn": ("3.0.0", "3.0.1", "3.0.2", "4.0", "4.1", "4.3", "4.4"),  # convolution
    "relu": ("3.1.0", "3.1.1", "3.1.2", "4.5"),                     # activations
    "dropout": ("3.2.0", "3.2.1", "3.2.2", "3.2.3"),
    "best": ("3.0.1", "3.3.2", "3.3.3"),                            # baseline, best network, ensemble
    "recurrent": ("6.0", "6.1", "6.2", "6.3", "6.4"),
}


def lessons():
    """{id: path of the module} of all lessons, in order, by their names: one may be half edited."""
    found = {}
    for path in HERE.glob("network_*.py"):
        if number := re.match(r"network_(\d+(?:_\d+)+)_[a-z]", path.name):
            found[number.group(1).replace("_", ".")] = path
    return dict(sorted(found.items(), key=lambda pair: [int(part) for part in pair[0].split(".")]))


def measured(id, which="quick"):
    """The committed results of a lesson, of each seed; [] if there are none."""
    folder = RESULTS / which
    paths = [folder / f"{id}.json"] if which == "quick" else sorted(folder.glob(f"{id}.[0-9]*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


# --- the map --------------------------------------------------------------------------------------

MAP = HERE / "README.md"
NNDL = HERE.parent / "nndl"
# Where an equation is looked for: what is read with the book open, and if it is not there, the lessons.
READ = ("ops/*_numpy.py", "layers.py", "costs.py", "network.py", "gradcheck.py")
LESSONS = ("network_*.py", "solutions/*.py")


def map_of_the_course():
    """A Markdown table: each lesson, its section in the book, its source, what it has measured."""
    rows = [("lesson", "asks", "book", "steps through", "it measured", "minutes"),
            (*("---",) * 5, "---:")]
    minutes, machines = [], {}
    for id, path in lessons().items():
        said, found, time = about(path), "not yet measured", ""
        for result in measured(id):
            found, time = result["finding"], f"{result['minutes']:.1f}"
            minutes.append(result["minutes"])
            machines |= {name_of(result["machine"]): None}
        rows.append((f"[{id}]({path.name})", said.question, said.book, said.steps_through, found, time))
    return f"{table(rows)}\nIn all {sum(minutes):.1f} minutes, on {', '.join(machines)}.\n"


def name_of(machine):
    """A machine in a few words."""
    return f"{machine['cpu']}, {machine['cores']} cores"


def worked():
    """{name: exercise} of the solutions, by the first lines of their files."""
    return {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
            for path in sorted((HERE / "solutions").glob("[a-z]*.py"))}


def solutions():
    """A Markdown table of the solutions."""
    return table([("file", "exercise"), ("---", "---"), *(
        (f"[{name}](solutions/{name}.py)", exercise) for name, exercise in worked().items())])


def promised():
    """{id: test accuracy that notes on its network commonly promise, percent}, as the lessons say."""
    found = {}
    for id, path in lessons().items():
        said = getattr(import_module(f"lessons.{path.stem}"), "PROMISED", None)
        if said is not None:  # by network, the one that the lesson is about first
            found[id] = str(next(iter(said.values())) if isinstance(said, dict) else said)
    return found


def full_runs():
    """A Markdown table: lessons 3.x at full length, over their seeds, and what is promised."""
    rows = [("lesson", "epochs", "test images that are right, %", "commonly promised, %"),
            ("---", "---:", "---:", "---:")]
    for id, said in promised().items():
        if results := measured(id, "full"):
            accuracies = [accuracy for result in results
                          for accuracy in flat(result["measured"].get("accuracy", []))]
            if accuracies:
                rows.append((id, str(results[0]["settings"]["epochs"]), spread(accuracies), said))
    return table(rows) if len(rows) > 2 else "Not yet measured.\n"


def verdicts():
    """A Markdown table: what is commonly said, and what the full runs measured of it."""
    rows = [("it is said", "lesson", "measured", "verdict"), ("---",) * 4]
    for said, (id, judge) in CLAIMS.items():
        if results := measured(id, "full"):
            rows.append((said, id, *judge([result["measured"] for result in results])))
    return table(rows) if len(rows) > 2 else "Not yet measured.\n"


def other_full_runs():
    """A Markdown table: what the other lessons found at full length, a row for each seed."""
    others = lessons().keys() - promised().keys()
    return table([("lesson", "seed", "measured"), ("---", "---:", "---"), *(
        (id, str(result["settings"]["seed"]), result["finding"]) for id in lessons() if id in others
        for result in measured(id, "full"))])


def flat(value):
    """A number as a list of one."""
    return value if isinstance(value, list) else [value]


def equations():
    """{number in the book: [(file, function)]} of all that docstrings cite; nndl's, or the lessons'."""
    found = equations_in(HERE, LESSONS) | equations_in(NNDL, READ)
    return dict(sorted(found.items(), key=lambda pair: (
        pair[0].isdigit(), int(re.search(r"\d+", pair[0])[0]), pair[0])))


def equations_in(folder, patterns):
    """The same in some of a folder's files, named from here."""
    found = {}
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            inner = node.body if isinstance(node, ast.ClassDef) else []
            for each in (node, *inner):
                if isinstance(each, (ast.FunctionDef, ast.ClassDef)) and each.name[0] != "_":
                    name = each.name if each is node else f"{node.name}.{each.name}"
                    for number in cited(ast.get_docstring(each) or ""):
                        found.setdefault(number, []).append((path, name))
    return found


def cited(text):
    """The numbers of the book's equations in a text, as strings: "25", "BP2"."""
    ranges = re.findall(r"\bBP(\d)-BP(\d)", text)
    numbers = [f"BP{n}" for first, last in ranges for n in range(int(first), int(last) + 1)]
    numbers += re.findall(r"\bBP\da?", text)
    numbers += re.findall(r"(?<![\w(])\(([1-9]\d{0,2})\)", text)  # Dense(10) is none
    return list(dict.fromkeys(numbers))


# What they are, in a few words.
WHAT = {
    "BP1": "the error at the output, δ = ∂C/∂a σ'(z)", "BP1a": "the same as vectors",
    "BP2": "the error backwards, δ = wᵀδ ⊙ σ'(z)", "BP3": "∂C/∂b = δ", "BP4": "∂C/∂w = δ aᵀ",
    "3": "the sigmoid", "6": "the quadratic cost", "20": "a step for a mini-batch, weights",
    "21": "a step for a mini-batch, biases", "22": "a layer, a' = σ(wa + b)", "25": "z = wa + b",
    "27": "the quadratic cost of one example", "30": "BP1 for the quadratic cost",
    "46": "the numerical gradient", "63": "the cross-entropy cost",
    "66": "BP1 for the cross-entropy, δ = a - y", "68": "linear outputs", "78": "softmax",
    "79": "its outputs sum to 1", "80": "the log-likelihood cost",
    "83": "softmax with a constant, its temperature", "84": "its BP1, δ = a - y",
    "87": "a cost with L2 regularisation", "93": "weight decay", "95": "a cost with L1 regularisation",
    "97": "L1's step", "107": "momentum", "108": "momentum, w' = w + v'", "109": "a tanh neuron",
    "110": "tanh", "111": "a sigmoid as a tanh", "112": "the rectified linear unit",
    "123": "the width of the inputs whose gradient does not vanish",
    "124": "BP2 through many layers, as matrices", "125": "a convolution: shared weights and bias"}


def index_of_equations():
    """A Markdown table: each equation, and where it is computed."""
    rows = [("equation", "what it is", "where"), ("---",) * 3]
    for number, places in equations().items():
        rows.append((number if number.startswith("BP") else f"({number})", WHAT[number],
                     ", ".join(f"`{name}` in [{_short(path)}]({_link(path)})"
                               for path, name in places)))
    return table(rows)


def _short(path):
    """A file as a reader knows it: costs.py, or lessons/solutions/momentum.py."""
    return path.relative_to(NNDL if path.is_relative_to(NNDL) else HERE.parent).as_posix()


def _link(path):
    """The same from the map."""
    return f"../nndl/{_short(path)}" if path.is_relative_to(NNDL) else path.relative_to(HERE).as_posix()


def table(rows):
    """Markdown of rows of strings."""
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in escaped)


def with_tables(text):
    """The map's text, each table between its two marks made anew."""
    for name, make in (("map", map_of_the_course), ("full", full_runs),
                       ("verdicts", verdicts), ("others", other_full_runs), ("solutions", solutions),
                       ("equations", index_of_equations)):
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(begin)
        text = before + begin + make() + end + rest.split(end, 1)[1]
    return text


# --- the lessons' own words -----------------------------------------------------------------------

def with_finding(text, result):
    """A lesson's source, the paragraph "Measured" of its docstring made anew."""
    said = f"Measured in {result['minutes']:.1f} minutes: {result['finding']}"
    paragraph = textwrap.fill(" ".join(said.split()), 100, subsequent_indent="    ",
                              break_long_words=False, break_on_hyphens=False)
    docstring, rest = re.split(r"(?<=\n)(?=Exercises\n)", text, maxsplit=1)
    docstring = re.sub(r"^Measured in (?:.+\n)+\n", "", docstring, flags=re.M)
    return f"{docstring}{paragraph}\n\n{rest}"


def main():
    """Write all of it."""
    for id, path in lessons().items():
        for result in measured(id):
            text = path.read_text(encoding="utf-8")
            write_atomically(path, with_finding(text, result).encode())
    write_atomically(MAP, with_tables(MAP.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main()
