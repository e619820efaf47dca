"""Step files that are no Python function, and what they run in the target."""

COMMAND_STEP = """
from pathlib import Path

NAME = "probe"
INPUTS = ("note.txt",)
OUTPUTS = ("answer.txt",)
{gold}
COMMAND = ["{{python}}", "-B", "{{worktree}}/src/notes/main.py", "{{plan_dir}}", "{{out_dir}}"]
SOURCES = ("src/notes/core.py", "src/notes/main.py")
"""
MAIN = """import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import core

plan, out = map(Path, sys.argv[1:])
(out / "answer.txt").write_text(core.answer((plan / "note.txt").read_text()))
"""
LUIGI_STEP = """
from pathlib import Path

NAME = "probe"
INPUTS = ("note.txt",)
OUTPUTS = ("answer.txt",)
IMPORT_ROOTS = ("src",)
PACKAGES = ("notes",)
TASK = "notes.work:Answer"
PARAMETERS = {"plan": "{plan_dir}", "out": "{out_dir}"}
"""
WORK = """
from pathlib import Path

import luigi

from notes import core


class Answer(luigi.Task):
    plan = luigi.Parameter()
    out = luigi.Parameter()

    def output(self):
        return luigi.LocalTarget(str(Path(self.out, "answer.txt")))

    def run(self):
        with self.output().open("w") as file:
            file.write(core.answer(Path(self.plan, "note.txt").read_text()))
"""
