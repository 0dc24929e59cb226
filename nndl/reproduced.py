"""What the runs of nndl/reproduce.py found, beside what the book says: a table and a figure."""

import json
import statistics
from pathlib import Path

from .experiments import (
    ABOUT,
    AT_BEST_VALIDATION,
    AT_LEAST,
    BELOW,
    BEST_TEST,
    BEST_VALIDATION,
    EXPERIMENTS,
    FIRST_VALIDATION,
    LAST_TEST,
    LAST_VALIDATION,
)
from .files import write_atomically
from .reproduce import members, named, results, settings, sources

TOLERANCE = 0.15  # percent that a row may be off the book's number without a word
ROUNDED = 0.5     # the same where the book says "about" a whole number
SCATTERED = 0.5   # further off than that, our own spread may be the reason, and bears nothing out
HEADINGS = ("experiment", "", "book, %", "here, %", "best, %", "training, s", "verdict")


def percent(experiment, result):
    """What the book's protocol reads off a run, in percent."""
    validation, test = result["validation_accuracy"], result["test_accuracy"]
    if experiment.protocol == AT_BEST_VALIDATION:  # of equally good epochs the last, as in network3
        return 100 * test[max(range(len(validation)), key=lambda epoch: (validation[epoch], epoch))]
    return 100 * {BEST_TEST: lambda: max(test), LAST_TEST: lambda: test[-1],
                  BEST_VALIDATION: lambda: max(validation),
                  FIRST_VALIDATION: lambda: validation[0],
                  LAST_VALIDATION: lambda: validation[-1]}[experiment.protocol]()


def best(experiment, found):
    """The number that the book's protocol takes from several runs, in percent."""
    if experiment.protocol == AT_BEST_VALIDATION:
        return percent(experiment, max(found, key=lambda result: max(result["validation_accuracy"])))
    return max(percent(experiment, result) for result in found)


def stale(experiment, found, folder):
    """Whether a run is of other settings or other programs than those of now, or of other networks."""
    now = json.loads(json.dumps(settings(experiment))), sources(experiment)
    if any((result["experiment"], result["sources"]) != now for result in found):
        return True
    if not experiment.of:
        return False
    runs = members(experiment, folder, all_of_them=False)
    return (stale(EXPERIMENTS[experiment.of], runs, folder)
            or any(result.get("members") != named(runs) for result in found))


def table(experiments, folder):
    """Rows of HEADINGS, strings, for those of the experiments that have been run."""
    rows = []
    for experiment in experiments:
        if found := results(experiment, folder):
            values = [percent(experiment, result) for result in found]
            here = f"{statistics.mean(values):.2f}"
            if len(values) > 1:
                here += f" ± {statistics.stdev(values):.2f}"
            # More runs than it asks for would make the best of them better.
            judged = [result for result in found if result["seed"] < experiment.runs]
            words = [verdict(experiment, judged), "stale" * stale(experiment, found, folder)]
            rows.append((
                experiment.id, experiment.what, _book(experiment), f"{here} ({len(values)})",
                f"{best(experiment, judged):.2f}" if judged else "",
                _seconds(statistics.median(sum(result["seconds"]) for result in found)),
                ", ".join(filter(None, words))))
    return rows


def _seconds(s):
    return f"{s:.1f}" if s < 9.95 else f"{s:,.0f}"


def _book(experiment):
    """The book's number, as the table shows it."""
    if experiment.book is None:
        return experiment.says
    if experiment.how in (ABOUT, BELOW):
        return f"{experiment.how} {experiment.book:g}"
    return f"{experiment.book:.2f}"


def verdict(experiment, found):
    """In a word: whether we get what the book does, within TOLERANCE or twice the spread.

    The book's single run is set beside our mean: the more runs, the better would be the best of them.
    """
    whole = EXPERIMENTS.get(experiment.id, experiment)
    quick = experiment.epochs < whole.epochs or experiment.data != whole.data
    if experiment.book is None or not found or quick:
        return ""
    values = [percent(experiment, result) for result in found]
    here = best(experiment, found) if experiment.protocol == AT_BEST_VALIDATION else (
        statistics.mean(values))
    tolerance = max(ROUNDED if experiment.how == ABOUT else TOLERANCE,
                    2 * statistics.stdev(values) if len(values) > 1 else 0)
    above = round(here - experiment.book, 2)
    if (above < 0 and experiment.how != BELOW) or (above > 0 and experiment.how != AT_LEAST):
        off = abs(above)
        if off > tolerance:
            return f"{off:.2f} {'below' if above < 0 else 'above'}"
        if off > SCATTERED:
            return "within the scatter"
    return "reached" if experiment.how == AT_LEAST else "agrees"


def markdown(rows):
    """The table for a README."""
    lines = (HEADINGS, ["---"] * 2 + ["---:"] * (len(HEADINGS) - 2), *rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def draw(experiments, folder):
    """Write table.md and book_and_here.png into the folder.  Returns their paths."""
    from .plots import book_and_here
    rows = [(experiment.id, experiment.what, None if experiment.how == BELOW else experiment.book,
             [percent(experiment, result) for result in found])
            for experiment in experiments if (found := results(experiment, folder))]
    path = Path(folder) / "table.md"
    write_atomically(path, markdown(table(experiments, folder)).encode())
    return [path, book_and_here(rows, Path(folder) / "book_and_here.png")]
