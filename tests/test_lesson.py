"""The frame of the lessons and the course: what is printed and kept, the command line, the map."""

import json
import re
import sys
from pathlib import Path

import pytest

import lessons.__main__ as course_command
from lessons import course
from nndl import Dense, Network, Softmax
from nndl import lesson as frame
from nndl.lesson import (
    Lesson,
    about,
    command_line,
    counted,
    first_epoch_at,
    percent,
    solution,
    spread,
)
from tests.nets import digits

ROOT = Path(__file__).parent.parent
DOCSTRING = '''"""9.1  Is this a lesson?

Book: chapter 9, "One" and
"Another".
Before: 1.0,
    2.3.
Next: 9.2, another.

Steps through: nndl/network.py.

Exercises
1. Do it again.
2. And again.
"""
'''
PROGRAM = DOCSTRING + '''
from nndl import plots
from nndl.lesson import Lesson, command_line

FULL = {"epochs": 30, "train_size": 500}


def main(epochs=2, train_size=20, backend=None, seed=0, out="pictures"):
    """A lesson for tests."""
    if seed == 14:
        return {}
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed)
    lesson.idea("""
        One.  It is 10 %
        of it.

        Two.""")
    lesson.mathematics("""
        a = b      (1)
          c = d""")
    lesson.table(("", "measured"), [("epochs", epochs), ("seed", seed)])
    plots.bars({"all": {"epochs": epochs}}, lesson.path("bars.png"), "Epochs", "epochs")
    if seed == 13:
        raise ValueError("seed must not be 13")
    lesson.take_away(f"{epochs} epochs on {train_size} images.", "More.")
    return lesson.end(epochs=epochs)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A course of two lessons, one of them with a syntax error."""
    folder = tmp_path / "lessons"
    folder.mkdir()
    (folder / "network_9_1_lesson.py").write_text(PROGRAM, encoding="utf-8")
    (folder / "network_9_0_broken.py").write_text('"""9.0  A question?\n"""\nthis is no program\n')
    monkeypatch.setattr(course, "HERE", folder)
    monkeypatch.setattr(course, "RESULTS", folder / "results")
    monkeypatch.setattr(sys.modules["lessons"], "__path__", [str(folder)])
    monkeypatch.delitem(sys.modules, "lessons.network_9_1_lesson", raising=False)
    monkeypatch.setattr(course_command, "PATHS", {"quick": ("9.1", "9.2")})
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("lessons.network_9_1_lesson", None)


def run(*arguments):
    try:
        return course_command.main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        return stopped.code


def made(own, out="pictures"):
    """The folders of the runs, the first first."""
    return sorted((own / out / "network_9_1_lesson").iterdir())


# --- the frame ------------------------------------------------------------------------------------

def test_what_a_lesson_says_of_itself(own):
    said = about(own / "lessons" / "network_9_1_lesson.py")
    assert (said.id, said.question) == ("9.1", "Is this a lesson?")
    assert said.book == 'chapter 9, "One" and "Another".' and said.before == "1.0, 2.3."
    assert said.next == "9.2, another." and said.steps_through == "nndl/network.py."
    assert said.exercises == "1. Do it again.\n2. And again."


def test_more_training_images_than_there_are(own, capsys):
    assert run("9.1", "--train-size", 50_001) == 2
    assert "train_size must be at most 50,000, the training images that there are, not 50,001" in (
        capsys.readouterr().err)
    assert not (own / "pictures").exists()


def test_a_lesson_that_was_stopped_leaves_no_empty_folder(own, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(frame.Lesson, "idea", interrupted)
    assert run("9.1") == 130
    monkeypatch.undo()
    assert not list((own / "pictures").rglob("2*"))


@pytest.mark.parametrize("docstring", ['"""3.1  No question."""', '"""Is this one?"""', "",
                                       '"""3.1 Is it?\n"""'])
def test_a_docstring_without_number_or_question_is_refused(docstring, tmp_path):
    (tmp_path / "a.py").write_text(docstring)
    with pytest.raises(ValueError, match="must begin with the lesson's number, two spaces and its"):
        about(tmp_path / "a.py")


def test_what_is_printed_and_kept(own, capsys):
    assert run("9.1", "--seed", 3) == 0
    out = capsys.readouterr().out
    title = "9.1  Is this a lesson?"
    assert f"\n{title}\n{'=' * len(title)}\nBook: chapter 9" in out
    assert "The idea\n    One. It is 10 % of it.\n\n    Two.\n" in out
    assert "The mathematics\n    a = b      (1)\n      c = d\n" in out
    assert ("Measured\n            measured\n    ------  --------\n    epochs         2\n"
            "    seed           3\n") in out
    assert "To take away\n    2 epochs on 20 images.\n\n    More.\n" in out
    assert "Next\n    9.2, another.\n" in out and "Exercises\n1. Do it again.\n2. And again.\n" in out
    folder, = made(own)
    assert re.fullmatch(r"\d{8}_\d{6}", folder.name)
    assert out.rstrip().endswith(f"{Path('pictures', folder.parent.name, folder.name, 'results.json')}")
    assert str(Path("pictures", folder.parent.name, folder.name, "bars.png")) in out
    kept = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert kept["lesson"] == "9.1" and kept["finding"] == "2 epochs on 20 images."
    assert kept["settings"] == {"epochs": 2, "train_size": 20, "backend": None, "seed": 3}
    assert kept["measured"] == {"epochs": 2} and kept["minutes"] >= 0 and "numpy" in kept["versions"]


def test_networks_and_steps_are_shown(own, capsys, tmp_path):
    lesson = Lesson(own / "lessons" / "network_9_1_lesson.py", tmp_path)
    lesson.network(Network([Dense(10), Softmax()]), "A small one")
    lesson.step("Now this.")
    out = capsys.readouterr().out
    assert "A small one\n    layer " in out and "7,850" in out and "\n    Now this.\n" in out


def test_a_lesson_that_was_stopped_goes_on_and_leaves_nothing_behind(own, capsys):
    images, labels = digits(40)
    path = own / "lessons" / "network_9_1_lesson.py"

    def begin(seed=1):
        lesson = Lesson(path, own / "out", seed=seed)
        return lesson, lesson.checkpoint("ReLU, run 1")

    _, kept = begin()
    assert kept.name.startswith("ReLU_run_1.") and begin(seed=2)[1] != kept
    whole = Network([Dense(10), Softmax()])
    whole.SGD((images, labels), 4, 10, 0.1, progress=False)
    net = Network([Dense(10), Softmax()])
    with pytest.raises(KeyboardInterrupt):
        net.SGD((images, labels), 4, 10, 0.1, progress=False, checkpoint=kept,
                stop=lambda history: (_ for _ in ()).throw(KeyboardInterrupt), checkpoint_every=0)
    lesson, again = begin()
    assert again == kept and kept.exists()
    other = Network([Dense(10), Softmax()])
    other.SGD((images, labels), 4, 10, 0.1, progress=False, checkpoint=again)
    assert (other.layers[1].w == whole.layers[1].w).all()
    lesson.end()
    assert not list((own / "out").rglob("*.checkpoint.npz"))
    path.write_text(PROGRAM + "# changed\n", encoding="utf-8")  # another lesson's training is not ours
    assert begin()[1] != kept


def test_words_for_numbers():
    assert percent(0.98765) == "98.77" and percent(0.5, 0) == "50"
    assert spread([0.98]) == "98.00" and spread([0.97, 0.99]) == "98.00 ± 1.41 (2)"
    assert counted(1, "epoch") == "1 epoch" and counted(1000, "image") == "1,000 images"
    assert first_epoch_at([0.5, 0.98, 0.99], 0.98) == 2 and first_epoch_at([0.5], 0.98) is None


# --- the command line -----------------------------------------------------------------------------

def test_quick_full_and_options(own, capsys):
    for arguments, epochs, size in (([], 2, 20), (["--quick"], 2, 20), (["--full"], 30, 500),
                                    (["--full", "--epochs", 3], 3, 500), (["--train-size", 7], 2, 7)):
        assert run("9.1", *arguments, "--out", "elsewhere") == 0
        assert f"{epochs} epochs on {size} images." in capsys.readouterr().out
    assert len(made(own, "elsewhere")) == 5


def test_the_list(own, capsys):
    (own / "lessons" / "results" / "quick").mkdir(parents=True)
    (own / "lessons" / "results" / "quick" / "9.1.json").write_text('{"minutes": 1.26}')
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("9.0  network_9_0_broken.py: ") and "line" in lines[0]
    assert re.fullmatch(r'9.1  Is this a lesson\? +chapter 9, "One"  1.3 min', lines[1])


@pytest.mark.parametrize("arguments, says", [
    (["9.7"], "python -m lessons: there is no lesson 9.7; `python -m lessons` lists them"),
    (["--path", "none"], "invalid choice: 'none'"),
    (["9.1", "--epochs", "0"], "argument --epochs: must be a whole number, at least 1, not '0'"),
    (["9.1", "--depth", "3"], "unrecognized arguments: --depth 3"),
    (["9.1", "--quick", "--full"], "not allowed with argument"),
    (["9.0"], "network_9_0_broken.py, line 3: invalid syntax"),
    (["--all", "9.7"], "python -m lessons: there is no lesson 9.7; `python -m lessons` lists them"),
    (["--train-size", "3"], "--train-size: of which lesson?"),
    (["9.1", "--results", "kept", "--epochs", "3"],
     "--results keeps what a lesson measures as it stands in its file: leave out --epochs"),
    (["9.1", "--seed", "13"], "python -m lessons 9.1: seed must not be 13"),
    (["9.1", "--out", "lessons/network_9_0_broken.py"], "--out: cannot write to"),
    (["9.1", "--results", "lessons/network_9_0_broken.py"], "--results: cannot write to"),
    (["--all", "--out", "lessons/network_9_0_broken.py"], "--out: cannot write to"),
    (["--all", "--results", "lessons/network_9_0_broken.py"], "--results: cannot write to"),
])
def test_what_cannot_be_is_one_line_and_status_2(own, arguments, says, capsys):
    assert run(*arguments) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_an_option_that_a_lesson_does_not_have(own, capsys):
    def main(seed=0, out="pictures"):
        raise AssertionError

    main.__code__ = main.__code__.replace(co_filename=str(own / "lessons" / "network_9_1_lesson.py"))
    assert command_line(main, {}, ["--epochs", "3"], "a lesson") == 2
    assert capsys.readouterr().err == "a lesson: --epochs: lesson 9.1 has no such thing to set\n"


def test_results_are_kept_where_asked(own, capsys):
    assert run("9.1", "--results", "kept") == 0
    assert json.loads((own / "kept" / "9.1.json").read_text())["settings"]["epochs"] == 2
    assert run("9.1", "--full", "--seed", 2, "--results", "kept") == 0
    assert json.loads((own / "kept" / "9.1.2.json").read_text())["settings"]["epochs"] == 30


def test_a_lesson_that_could_not_be_run_leaves_no_results(own):
    """As 4.6 without PyTorch: those of an earlier run are not taken for its own."""
    assert run("9.1", "--full", "--results", "kept") == 0
    assert run("9.1", "--full", "--seed", 14, "--results", "kept") == 0
    assert [path.name for path in (own / "kept").iterdir()] == ["9.1.0.json"]


def test_what_another_process_measures_meanwhile_is_not_taken(own, monkeypatch):
    """The same lesson with another seed, in the same folder, ends meanwhile: many times, to be seen."""
    idea = frame.Lesson.idea

    def while_another_ends(lesson, text):
        for number in range(30):
            other = lesson.folder.with_name(f"another_{number}")
            other.mkdir()
            (other / "results.json").write_text('{"settings": {"seed": 1}}', encoding="utf-8")
        idea(lesson, text)
    monkeypatch.setattr(frame.Lesson, "idea", while_another_ends)
    assert run("9.1", "--full", "--seed", 2, "--results", "kept") == 0
    assert json.loads((own / "kept" / "9.1.2.json").read_text())["settings"]["seed"] == 2


def a_second_lesson(own, program=PROGRAM):
    (own / "lessons" / "network_9_2_again.py").write_text(program.replace("9.1  ", "9.2  "),
                                                          encoding="utf-8")
    sys.modules.pop("lessons.network_9_2_again", None)


def test_several_lessons_also_where_one_fails(own, capsys):
    a_second_lesson(own)
    assert run("--path", "quick", "9.1") == 0  # each once
    out = capsys.readouterr().out
    assert "--- lesson 2 of 2, " in out and out.count("To take away") == 2
    assert re.search(r"\n9\.1 +\d+\.\d s\n9\.2 +\d+\.\d s\nall +\d+\.\d s\n$", out)
    assert run("--all") == 2
    out, err = capsys.readouterr()
    assert re.search(r"\n9\.0 .* failed\n9\.1 ", out) and "invalid syntax" in err


def test_how_long_the_lessons_left_may_take(monkeypatch):
    """Of two minutes each, as committed, five where much else ran; one is new, and another failed."""
    monkeypatch.setattr(course_command, "measured", lambda id, which: (
        [{"minutes": 5}, {"minutes": 2}] if id != "new" else []))
    to_go = course_command.to_go
    assert to_go([], ["1.0", "1.1", "1.2"], False) == ", about 6 min to go"
    assert to_go([("1.0", 120.0, 0)], ["1.1", "1.2"], False) == ", about 4 min to go"
    assert to_go([("1.0", 300.0, 0)], ["1.1", "1.2"], False) == ", about 8 min to go"  # half as fast
    assert to_go([("new", 1200.0, 0), ("1.0", 1.0, 2)], ["1.1"], False) == ", about 2 min to go"
    assert to_go([], ["1.0", "new"], False) == ""


def test_among_many_lessons_each_takes_the_options_that_it_has(own, capsys):
    by_hand = PROGRAM.replace("epochs=2, ", "").replace("epochs=epochs, ", "").replace(
        "def main(", "epochs = 5\n\n\ndef main(")
    a_second_lesson(own, by_hand)
    assert run("9.1", "9.2", "--epochs", 3) == 0
    out = capsys.readouterr().out
    assert "3 epochs on 20 images." in out and "5 epochs on 20 images." in out
    assert run("9.2", "--epochs", 3) == 2
    assert capsys.readouterr().err.endswith("lesson 9.2 has no such thing to set\n")


def test_ctrl_c_ends_the_whole_course(own, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(frame.Lesson, "idea", interrupted)
    a_second_lesson(own)
    assert run("9.1", "9.2") == 130
    out, err = capsys.readouterr()
    assert "python -m lessons 9.1: stopped" in err and "lesson 2 of 2" not in out
    assert out.endswith("\n`python -m lessons 9.1 9.2` goes on\n") and "s  stopped\n" in out


def test_a_course_that_was_stopped_goes_on_where_it_was(own, monkeypatch, capsys):
    a_second_lesson(own, "raise KeyboardInterrupt\n" + PROGRAM)
    assert run("9.1", "9.2", "--seed", 3, "--epochs", 1) == 130  # while it was imported
    out, err = capsys.readouterr()
    assert re.search(r"\n9\.1 +\d+\.\d s\n9\.2 +\d+\.\d s  stopped\nall ", out)
    assert "`python -m lessons 9.2 --epochs=1 --seed=3` goes on\n" in out
    assert err == "\npython -m lessons 9.2: stopped; nothing was saved\n"
    by_hand = PROGRAM.replace("epochs=2, ", "").replace("epochs=epochs, ", "")
    a_second_lesson(own, "raise KeyboardInterrupt\n" + by_hand)
    assert run("9.1", "9.2", "--epochs", 1, "--out", own / "my pictures") == 130
    out = capsys.readouterr().out  # alone it would refuse --epochs
    assert f"`python -m lessons 9.2 '--out={own / 'my pictures'}'` goes on\n" in out


# --- the course that is there ---------------------------------------------------------------------

LESSONS = course.lessons()
FOLDER = ROOT / "lessons"


def test_the_map_is_up_to_date():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert course.with_tables(text) == text, "python -m lessons.course makes its tables anew"
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (FOLDER / link).exists(), link


@pytest.mark.parametrize("id", LESSONS)
def test_a_lesson_says_what_it_has_measured(id):
    text = LESSONS[id].read_text(encoding="utf-8")
    result, = course.measured(id)
    assert course.with_finding(text, result) == text, "python -m lessons.course writes it anew"


def test_a_finding_takes_the_place_of_the_one_before():
    once = course.with_finding(PROGRAM, {"minutes": 1.234, "finding": "One and " * 20 + "two."})
    assert "\nSteps through: nndl/network.py.\n\nMeasured in 1.2 minutes: One and" in once
    assert re.search(r"\n    (One|and) ", once) and once.endswith(PROGRAM.partition("Exercises")[2])
    again = course.with_finding(once, {"minutes": 0.5, "finding": "Three."})
    assert again == PROGRAM.replace("Exercises", "Measured in 0.5 minutes: Three.\n\nExercises")


@pytest.mark.parametrize("id", LESSONS)
def test_a_lesson_is_well_formed(id):
    path = LESSONS[id]
    said, text = about(path), path.read_text(encoding="utf-8")
    assert said.id == id and said.book.startswith("chapter ") and said.before and said.exercises
    assert said.steps_through and f"python -m lessons {id}" in text
    for word in (said.before, said.next):
        for other in re.findall(r"\b\d(?:\.\d){1,2}\b", word):
            assert other in LESSONS, f"{id} names lesson {other}"
    for exercise in re.split(r"^\d\. ", said.exercises, flags=re.M)[1:]:
        worked, = re.findall(r"Worked:\s+solutions/(\w+)\.py", exercise)
        assert (FOLDER / "solutions" / f"{worked}.py").exists(), worked
    for line in re.findall(r"^(?:from|import) .*", text, flags=re.M):
        assert "lessons" not in line and "matplotlib" not in line, line


def test_solutions_are_listed_and_run_by_name(capsys, monkeypatch):
    from lessons.solutions import __main__ as command
    from lessons.solutions import inverting_softmax
    assert command.main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed and exercise in listed for name, exercise in course.worked().items())
    assert command.main(["inverting_softmax"]) == 0
    assert "comes back" in capsys.readouterr().out
    monkeypatch.setattr(inverting_softmax, "main", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert command.main(["inverting_softmax"]) == 130
    with pytest.raises(SystemExit, match="2"):
        command.main(["nothing"])
    assert "there is no solution nothing; `python -m lessons.solutions` lists them" in (
        capsys.readouterr().err)


def test_a_solution_by_itself_has_a_command_line_too(tmp_path, capsys, monkeypatch):
    from lessons.solutions import inverting_softmax
    monkeypatch.setattr(sys, "argv", ["inverting_softmax.py"])
    assert solution(inverting_softmax.main) == 0
    monkeypatch.setattr(sys, "argv", ["inverting_softmax.py", "--foo"])
    with pytest.raises(SystemExit, match="2"):
        solution(inverting_softmax.main)
    assert capsys.readouterr().err.startswith(
        "python -m lessons.solutions.inverting_softmax: unrecognized arguments: --foo")
    for path in (FOLDER / "solutions").glob("[a-z]*.py"):  # and so have all
        assert path.read_text(encoding="utf-8").endswith(
            'if __name__ == "__main__":\n    raise SystemExit(solution(main))\n'), path


def test_which_conclusion_chance_may_draw_is_said_once(own, capsys):
    lesson = Lesson(own / "lessons" / "network_9_1_lesson.py", own / "pictures")
    lesson.take_away("a came out ahead of b in every run, by 1.00 points (chance alone: 1 in 3).")
    assert capsys.readouterr().out.count("Chance alone: how often") == 1
    lesson.take_away("a and b overlap.")
    assert "Chance alone" not in capsys.readouterr().out


def test_the_short_ways_are_of_lessons_that_are_there():
    assert all(id in LESSONS for path in course.PATHS.values() for id in path)


def test_equations_are_found_and_are_the_books():
    assert course.cited("z = wa + b.  Book (25), BP2-BP4; Dense(10), (m, 3), sgn(0)") == [
        "BP2", "BP3", "BP4", "25"]
    found = course.equations()
    assert (course.NNDL / "ops" / "dense_numpy.py", "dense_forward") in found["25"]
    assert (course.NNDL / "ops" / "conv_numpy.py", "conv_forward") in found["125"]
    assert [name for _, name in found["123"]] == ["width"]  # which the lessons alone compute
    for folder in course.NNDL, FOLDER:
        assert course.equations_in(folder, ["**/*.py"]).keys() <= found.keys()
    assert found.keys() == course.WHAT.keys()
