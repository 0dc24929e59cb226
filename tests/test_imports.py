"""The rules about who knows whom, and what importing nndl does: nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import nndl
from nndl.recurrent import LAYERS

PACKAGE = Path(nndl.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]

# Who may stand on whom: a module may import those of the levels below its own.  A module that is
# not here has no place yet: give it one.
LEVELS = [
    ["comparing", "files", "interrupting", "locking", "progress"],
    ["ops"],
    ["arguments"],
    ["data.idx", "data.mnist", "data", "data.made", "data.rows", "data.sequences", "data.tasks",
     "data.expand", "data.distort"],
    ["backends", "initialize", "costs", "schedules"],
    ["array_file", "compile_notice"],
    ["examples", "layers", "model_file"],
    ["gradcheck", "mini_batches", "recurrent", "trace"],
    ["small_dense", "checkpoint", "scaled_tanh"],
    ["network"],
    ["sampling"],
    ["compiling", "plots.drawing", "text"],
    ["plots.charts", "plots.images", "plots.learning", "plots.reproduced", "plots.steps"],
    ["plots"],
    ["__init__"],
    ["command", "ensemble", "environment", "one_run", "selftest", "book", "book.layers",
     "book.legacy", "book.mnist_loader", "book.shared"],
    ["book.pairs", "book.errata", "baselines", "draw.stages"],
    ["draw"],
    ["draw.shipped"],
    ["experiments"],
    ["book.network", "reproduce"],
    ["book.network2", "book.network3", "book.expand_mnist", "reproduced"],
    ["book.conv"],
    ["book.curves"],
    ["cli", "lesson"],
    ["__main__"],
]
OPERATIONS = [path for path in FILES if path.parent.name == "ops"]
OPS_MAY_IMPORT = {"numpy", "numba", "math", "functools", "operator",
                  "scipy.special"}
# Imports inside a function that look upwards: such a function is handed, or makes, what stands above
# it, and its module can be imported without.
UPWARDS_INSIDE_FUNCTIONS = {
    ("backends", "compile_notice"),                            # Numba, once it is there, tells it
    ("model_file", "network"), ("model_file", "recurrent"),    # load makes a Network
    ("network", "compiling"),                                  # compiles what it will need
    ("cli", "__init__"),                                       # the command is above everything
    ("selftest", "cli"),                                       # trains the network of `nndl train`
}


def level(module):
    """The number of module's level; all of nndl.ops is one module here."""
    module = "ops" if module.startswith("ops") else module
    found = [n for n, modules in enumerate(LEVELS) if module in modules]
    assert found, f"nndl.{module} stands on no level of tests/test_imports.py"
    return found[0]


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path):
    """(name, inside a function) of all that path imports, `from . import a` as nndl.a."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(node) for function in ast.walk(tree)
              if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
              for node in ast.walk(function)}
    folder = ["nndl", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder[:len(folder) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base
                     for alias in node.names]
        else:
            continue
        for name in names:
            yield name, id(node) in inside


def is_module(name):
    """Whether name is a module of nndl, and not something in one."""
    if not name.startswith("nndl."):
        return name == "scipy.special"
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def of_nndl(name):
    """The module's name within nndl, "__init__" for the package itself."""
    return name.removeprefix("nndl").removeprefix(".") or "__init__"


def test_the_test_sees_what_is_imported(tmp_path):
    seen = dict(imports(PACKAGE / "trace.py")) | dict(imports(PACKAGE / "network.py"))
    assert seen["numpy"] is False and seen["nndl.backends"] is False
    assert seen["nndl.trace"] is True  # in a function
    assert "nndl.ops.shapes" in dict(imports(PACKAGE / "ops" / "conv_numpy.py"))


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_run_one_way(path):
    mine = module_name(path)
    for name, inside in imports(path):
        if name != "nndl" and not name.startswith("nndl."):
            continue
        other = of_nndl(name)
        if mine.startswith("ops"):
            assert other.startswith("ops"), f"{mine} imports nndl.{other}"
        elif other.startswith("ops") or (mine.startswith("data") and other.startswith("data")):
            continue
        elif inside and ((mine, other) in UPWARDS_INSIDE_FUNCTIONS or level(other) <= level(mine)):
            continue
        else:
            assert level(other) < level(mine), f"nndl.{mine} imports nndl.{other}, above it"


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.name)
def test_operations_know_only_numpy_numba_math_and_erf(path):
    own = ("nndl.ops", "numpy.", *["llvmlite", "numba."] * (path.name == "panel_numba.py"))
    for name, _ in imports(path):
        assert name in OPS_MAY_IMPORT or name.startswith(own), name
    if path.stem.endswith("_numpy"):
        known = {name for name, _ in imports(path)}
        assert "numba" not in known and not any(name.endswith(("_numba", "jit")) for name in known)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_package_stands_alone(path):
    for name, _ in imports(path):
        top = name.split(".")[0]
        if (path.name, top) == ("baselines.py", "sklearn"):  # the book's baseline, if present
            continue
        assert top not in ("lessons", "benchmarks", "tests", "torch", "sklearn", "tensorflow",
                           "jax", "theano"), f"{path.name} imports {name}"
        # llvmlite is the half of Numba that knows the CPU; Numba cannot be there without it.
        assert top in sys.stdlib_module_names | {"nndl", "numpy", "numba", "llvmlite", "scipy",
                                                 "matplotlib", "tqdm", "threadpoolctl"}, name


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_environment_is_read_in_two_places_only(path):
    if module_name(path) in ("backends", "cli"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("environ", "environb", "getenv", "putenv"), path.name
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            assert not {alias.name for alias in node.names} & {"environ", "getenv"}, path.name


# numpy.random's Generators are made and asked; its hidden one is not, but by the book's programs, which
# readers make repeatable by np.random.seed.
GENERATORS = {"default_rng", "Generator", "PCG64", "SeedSequence", "BitGenerator"}
OF_THE_BOOK = {"RandomState", "standard_normal", "permutation"}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_hidden_random_state(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
                and node.value.attr == "random"):
            known = GENERATORS | OF_THE_BOOK if path.name == "legacy.py" else GENERATORS
            assert node.attr in known, f"{path.name}, line {node.lineno}: random.{node.attr}"
    if path.name == "legacy.py":
        return
    assert "random" not in {name.split(".")[0] for name, _ in imports(path)}, path.name
    assert "numpy.random" not in {name for name, _ in imports(path)}, path.name


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_module_has_a_generator_of_its_own(path):
    """A generator made at import would be shared by all that use the module."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            calls = {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
            assert not calls & GENERATORS, f"{path.name}, line {statement.lineno}"


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_importing_nndl_imports_nothing_slow():
    loaded = in_a_new_process("import json, sys, nndl; print(json.dumps(sorted(sys.modules)))")
    for slow in ("numba", "llvmlite", "matplotlib", "scipy", "tqdm", "threadpoolctl", "torch",
                 "nndl.plots", "nndl.cli", "nndl.ops.dense_numba"):
        assert slow not in loaded, slow
    assert "nndl.network" in loaded


def test_importing_nndl_changes_nothing_in_the_process():
    before, after = in_a_new_process(
        "import json, os, random, signal, sys, threading, warnings\n"
        "import numpy as np\n"
        "def state():\n"
        "    return [dict(os.environ), repr(random.getstate()[1][:5]), str(np.geterr()),\n"
        "            repr(np.random.get_state()[1][:5]), threading.active_count(), os.getcwd(),\n"
        "            str(signal.getsignal(signal.SIGINT)), len(warnings.filters)]\n"
        "before = state()\n"
        "import nndl\n"
        "print(json.dumps([before, state()]))")
    assert before == after


def test_the_public_face_has_all_that_it_names_and_every_layer():
    assert len(set(nndl.__all__)) == len(nndl.__all__)
    for name in [*nndl.__all__, *LAYERS]:
        assert hasattr(nndl, name), name
    assert set(LAYERS) <= set(nndl.__all__)
