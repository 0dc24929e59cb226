"""How training shows that it gets on."""

import sys


class Progress:
    """A bar with an estimate on a terminal, a line for each epoch elsewhere, or nothing.

    wanted : whether to show anything;  epochs : how many;  n : training examples in each
    done : examples that an earlier run has gone through, of all epochs
    """

    def __init__(self, wanted, epochs, n, done=0):
        self.wanted, self.epochs, self.n, self.done, self.bar = wanted, epochs, n, done, None

    def __enter__(self):
        if self.wanted and self.done:
            print(f"an earlier run came to {self._came_to()}: "
                  + ("nothing is left" if self.done == self.epochs * self.n else "going on from there"),
                  flush=True)
        if self.wanted and sys.stderr.isatty():
            from tqdm import tqdm
            # smoothing=0: the estimate is by the mean speed, which the measuring after each epoch
            # is part of.
            begun = min(self.done // self.n + 1, self.epochs)
            self.bar = tqdm(total=self.epochs * self.n, initial=self.done, unit=" examples",
                            leave=False, smoothing=0, desc=f"epoch {begun}/{self.epochs}",
                            dynamic_ncols=True)
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.close()

    def _came_to(self):
        epochs, examples = divmod(self.done, self.n)
        return (f"the end of epoch {epochs}/{self.epochs}" if not examples else
                f"{examples:,} of {self.n:,} examples of epoch {epochs + 1}/{self.epochs}")

    def advance(self, examples):
        """So many more examples have been trained with."""
        if self.bar is not None:
            self.bar.update(examples)

    def measuring(self, epoch):
        """Training has ended for this epoch, monitoring begins."""
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch + 1}/{self.epochs}, measuring")

    def epoch_done(self, epoch, history):
        """An epoch, 0 the first, is in the history: say what it brought."""
        if not self.wanted:
            return
        line = f"epoch {epoch + 1}/{self.epochs}: {history.seconds[-1]:.1f} s of training"
        for what, measured in (("training cost", history.training_cost),
                               ("training accuracy", history.training_accuracy),
                               ("evaluation cost", history.evaluation_cost),
                               ("evaluation accuracy", history.evaluation_accuracy)):
            if measured:
                line += f", {what} " + (f"{measured[-1]:.4f}" if what.endswith("cost")
                                        else f"{100 * measured[-1]:.2f} %")
        if self.bar is None:
            print(line, flush=True)
        else:
            self.bar.write(line)
            self.bar.set_description(f"epoch {min(epoch + 2, self.epochs)}/{self.epochs}")
