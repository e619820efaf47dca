"""Where everything lies in a lab folder."""

from pathlib import Path

from prompt_lab.names import Split

MARKER = "run.json"
"""The record of a finished run, in the plan's folder of its run folder."""
NO_ITERATION = 0
"""The number of runs that belong to no iteration: those of the noise floor."""


class Lab:
    """The paths of one lab. Makes nothing by itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.history = root / "history"
        self.analysis = root / "analysis"
        self.noise_floor = root / "noise_floor"
        self.pulls = root / "pulls"
        self.work = root / "work"
        self.index = root / "index.html"
        self.journal = root / "journal.jsonl"
        self.reusable = root / "history" / "reusable.jsonl"
        self.judgements = root / "history" / "judgements.jsonl"
        self.lock = root / ".lock"

    def plans(self, split: Split) -> Path:
        """The folder whose sub-folders are the plans of a split."""
        return self.root / "baseline" / split.value

    def iteration(self, number: int, step: str) -> Path:
        """The analysis folder of an iteration; the noise floor's batches have their own."""
        if number == NO_ITERATION:
            return self.noise_floor / step
        return self.analysis / f"{number}_{step}"

    def instructions(self, step: str) -> Path:
        """What is known to go wrong in a step: grown by its iterations."""
        return self.root / "instructions" / f"{step}.md"

    def front(self, step: str) -> Path:
        """The candidates of a step that no other one beats in everything."""
        return self.root / "front" / f"{step}.json"

    def loop(self, number: int, step: str) -> Path:
        """The folder of a loop over iterations."""
        return self.root / "loops" / f"{number}_{step}"

    def run_folder(self, number: int, step: str) -> Path:
        """history/<n // 100>/<n % 100>_<step>.

        >>> str(Lab(Path("lab")).run_folder(107, "s"))
        'lab/history/1/07_s'
        """
        return self.history / str(number // 100) / f"{number % 100:02d}_{step}"

    def relative(self, path: Path) -> str:
        """A path inside the lab as records and pages cite it."""
        return path.relative_to(self.root).as_posix()
