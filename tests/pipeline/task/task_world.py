"""A small repository with one task, and one engine run in this process."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from luigi.task_register import Register

from pipeline.tasks.task_engine import RunTask
from prompt_lab.errors import LabError
from tests.prompt_lab.tasks.validate import check

BASE = """import json
text = open("t/artifact.md", encoding="utf-8", errors="replace").read()
score = text.count("good") / 100
print(json.dumps({"score": score, "metrics": {"length": len(text)}}))
"""
BETTER = """with open("t/artifact.md", "a") as file:
    file.write("good good\\n")
"""


class World:
    """A git repository at `root` with t/task.yaml; `id` is in the environment of its commands."""

    def __init__(self, folder: Path, task_id: str) -> None:
        self.root = folder / "repository"
        self.id = task_id
        self.file = self.root / "t" / "task.yaml"
        self.told: dict[str, Any] = {
            "id": task_id,
            "artifacts": ["artifact.md"],
            "mutator": {"command": "python t/mutate.py", "timeout_seconds": 20},
            "scorer": {"command": "python t/score.py", "timeout_seconds": 20},
            "limits": {"memory_mb": 256, "file_mb": 4, "output_mb": 1, "processes": 40},
        }
        for name, text in {
            "t/artifact.md": "good\n",
            "t/score.py": BASE,
            "t/mutate.py": BETTER,
            "data/gold.txt": "gold\n",
            "src/other.py": "OTHER = 1\n",
            ".gitignore": "*.log\n/work/\n",
        }.items():
            self.write(name, text)
        self.save()
        for words in ("init -q -b main --template=", "add -A", "commit -q -m first"):
            self.git(*words.split())

    def git(self, *words: str) -> None:
        names = ("-c", "user.name=T", "-c", "user.email=t@localhost")
        subprocess.run(["git", *names, *words], cwd=self.root, check=True, capture_output=True)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def change(self, more: Mapping[str, Any]) -> None:
        """Merge keys into the task, one level deep, and write it."""
        for key, given in more.items():
            known, value = self.told.get(key), given
            if isinstance(value, dict) and isinstance(known, dict):
                value = {**known, **value}
            self.told[key] = value
        self.save()

    def save(self) -> None:
        self.write(
            str(self.file.relative_to(self.root)), yaml.safe_dump(self.told, allow_unicode=True)
        )

    def run(self, capsys: Any, **flags: Any) -> dict[str, Any]:
        """One RunTask; the JSON line that it printed, checked against its schema."""
        capsys.readouterr()
        Register.clear_instance_cache()  # an equal task would be the one that has spoken already
        given: dict[str, Any] = {"task": str(self.file), **flags}
        task = RunTask(**given)
        try:
            for attempt in task.requires():
                attempt.run()
            task.run()
        except LabError:
            pass
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1, lines
        record: dict[str, Any] = json.loads(lines[0])
        check("result" if record["kind"] == "attempt" else "undo", record)
        return record

    def content(self) -> dict[str, str]:
        """Path -> mode and content of all but work/ and what git itself writes."""
        found = {}
        for place, folders, names in os.walk(self.root):
            if Path(place) == self.root:
                folders[:] = [name for name in folders if name not in ("work",)]
            for name in [*names, *folders]:
                path = Path(place, name)
                known = path.lstat()
                if path.is_symlink():
                    text = os.readlink(path)
                elif path.is_file():
                    text = sha256(path.read_bytes()).hexdigest()
                else:
                    text = ""
                found[str(path.relative_to(self.root))] = f"{known.st_mode:o} {text}"
        return found

    def left(self) -> list[str]:
        """The command lines of processes that the task's commands have left running."""
        return [line for _, line in _running(f"PROMPTLAB_TASK={self.id}")]

    def pids(self, words: str) -> list[int]:
        """Those of them whose command line holds these words."""
        return [pid for pid, line in _running(f"PROMPTLAB_TASK={self.id}") if words in line]


def _running(word: str) -> Iterator[tuple[int, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word.encode() in Path("/proc", pid, "environ").read_bytes().split(b"\0"):
                line = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode()
                yield int(pid), line
        except OSError:
            continue
