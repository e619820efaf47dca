"""The table of hostile candidates and tasks: what each does, and how it must end."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

from tests.pipeline.task.hostile_mutators import MUTATORS
from tests.pipeline.task.hostile_row import SAY, Row, crash, discard, keep, prompts, scorer
from tests.pipeline.task.hostile_tasks import COVERING, HIDDEN, OUTPUTS
from tests.pipeline.task.task_world import World


def _hard_linked(world: World) -> None:
    os.link(world.root / "t/artifact.md", world.root / "twin.md")


def _linked(target: str) -> Callable[[World], object]:
    def make(world: World) -> None:
        (world.root / "t/artifact.md").unlink()
        os.symlink(target, world.root / "t/artifact.md")

    return make


def _linked_folder(world: World) -> None:
    outside = world.root.parent / "outside"
    outside.mkdir()
    (outside / "a.md").write_text("good\n")
    os.symlink(outside, world.root / "t" / "prompts")


def _linked_cwd(world: World) -> None:
    (world.root.parent / "elsewhere").mkdir()
    os.symlink(world.root.parent / "elsewhere", world.root / "run")


def _pipe(world: World) -> None:
    (world.root / "t/artifact.md").unlink()
    os.mkfifo(world.root / "t/artifact.md")


def _stale(world: World) -> None:
    world.write("work/score.json", '{"score": 0.99}')
    world.write("t/score.py", "pass\n")


OUTSIDE = [
    crash("opens the network", "mutator_failed",
           mutate="import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)"),
    crash("writes the workspace by its whole path", "mutator_failed",
           mutate="open('ROOT/../beside.txt', 'x').write('x')\nopen('HOME/beside.txt').read()"),
    discard("writes the scorer by its whole path", "evaluator_changed",
             mutate="open('ROOT/t/score.py', 'w').write('print(1)')"),
    discard("writes a git hook by its whole path", "out_of_scope",
             mutate="import os\nos.makedirs('ROOT/.git/hooks', exist_ok=True)\n"
             "open('ROOT/.git/hooks/pre-commit', 'w').write('x')"),
    crash("edits the engine", "mutator_failed",
           mutate="open('ENGINE', 'a').write('# planted')"),
    crash("edits its Python", "mutator_failed",
           mutate="import json\nopen(json.__file__, 'a').write('# planted')"),
    crash("reads our processes", "mutator_failed",
           mutate="open('/proc/PID/environ').read()"),
    crash("reads a key from its environment", "mutator_failed",
           mutate="import os\nos.environ['OPENAI_API_KEY']"),
    crash("sets a kernel setting", "mutator_failed",
           mutate="open('/proc/sys/kernel/core_pattern', 'w').write('x')"),
    crash("mounts", "mutator_failed",
           mutate="import ctypes\nraise SystemExit(ctypes.CDLL(None).mount("
           "b'tmpfs', b'/tmp', b'tmpfs', 0, None) != 0)"),
    crash("makes a device", "mutator_failed",
           mutate="import os, stat\nos.mknod('t/disk', 0o600 | stat.S_IFBLK, os.makedev(254, 0))"),
]  # fmt: skip

SCORERS = [
    scorer("prints NaN", "score_not_finite", '{"score": NaN}'),
    scorer("prints Infinity", "score_not_finite", '{"score": Infinity}'),
    scorer("prints a number beyond all", "score_not_finite", '{"score": 1e999}'),
    scorer("prints NaN as a metric", "score_not_finite", '{"score": 1, "metrics": {"a": NaN}}'),
    scorer("prints two JSONs", "score_unreadable", '{"score": 1}\n{"score": 2}'),
    scorer("prints the score twice", "score_unreadable", '{"score": 1, "score": 2}'),
    scorer("prints a BOM", "score_unreadable", '\ufeff{"score": 1}'),
    scorer("prints nothing", "score_missing", ""),
    scorer("prints no score", "score_missing", '{"points": 1}'),
    scorer("prints a score in words", "score_unreadable", '{"score": "1"}'),
    scorer("prints yes", "score_unreadable", '{"score": true}'),
    scorer("prints a list", "score_unreadable", "[1]"),
    scorer("prints words before it", "score_unreadable", 'loading\n{"score": 1}'),
    scorer("prints a tower", "score_unreadable", "[" * 100_000),
    crash("fails", "scorer_failed", score="raise SystemExit(1)"),
    keep("alters the artifact, which is kept as it was scored",
          score=SAY + "open('t/artifact.md', 'w').write('planted')"),
    keep("leaves a background process",
          score=SAY + "import subprocess\nsubprocess.Popen(['sleep', '300'])"),
    crash("hangs on the candidate", "time_limit",
           score="import time\ntime.sleep(9 * (open('t/artifact.md').read() != 'good\\n'))\n" + SAY,
           task={"scorer": {"timeout_seconds": 3}}),
    crash("hangs on the baseline too", "baseline_failed", score="import time\ntime.sleep(60)",
           task={"scorer": {"timeout_seconds": 0.5}}),
    crash("scores above the range", "score_out_of_range", score="print('{\"score\": 7}')",
           task={"objective": {"low": 0, "high": 1}}),
    crash("leaves a stale answer unread", "score_missing", setup=_stale,
           task={"scorer": {"parse": {"file": "work/score.json"}}}),
    crash("answers by a link", "score_missing",
           score="import os\nos.symlink('/etc/hostname', 'work/score.json')",
           task={"scorer": {"parse": {"file": "work/score.json"}}}),
    discard("gives another score each time", "noisy",
             score="import os\nprint('{\"score\":', int.from_bytes(os.urandom(6), 'big'), '}')"),
    discard("breaks a bound", "constraint", task={"constraints": {"length": {"max": 6}}}),
    discard("does not tell a bounded metric", "constraint",
             task={"constraints": {"latency": {"max": 6}}}),
    discard("gains too little", "gain_too_small", task={"objective": {"minimum_gain": 0.5}}),
]  # fmt: skip

RUNNERS = [
    discard("alters the artifact", "artifact_changed",
             run="open('t/artifact.md', 'a').write('good good good')"),
    discard("alters the scorer", "evaluator_changed",
             run="open('t/score.py', 'w').write('print(1)')"),
    discard("deletes the data", "evaluator_changed", run="import os\nos.unlink('data/gold.txt')"),
    crash("fails", "runner_failed", run="raise SystemExit(9)"),
    discard("makes an artifact a link", "artifact_changed",
             run="import os\nos.unlink('t/artifact.md')\nos.symlink('/etc', 't/artifact.md')"),
    keep("leaves a background process",
          run="import subprocess\nsubprocess.Popen(['sleep', '300'], start_new_session=True)"),
    keep("plants a module beside the scorer, which is taken away",
          run="open('t/json.py', 'w').write('dumps = lambda _: 1')"),
    keep("plants bytecode, which is taken away",
          run="import os\nos.makedirs('t/__pycache__')\nopen('t/__pycache__/a.pyc', 'w')"),
    keep("writes its output", run="open('work/out.txt', 'w').write('out')",
          score="open('work/out.txt').read()\n" + SAY),
    keep("makes work/ a link",
          run="import os, shutil\nshutil.rmtree('work')\nos.symlink('/etc', 'work')"),
    crash("writes the scorer's answer itself", "score_missing", score="pass",
           run="open('work/score.json', 'w').write('{\"score\": 1}')",
           task={"scorer": {"parse": {"file": "work/score.json"}}}),
]  # fmt: skip

TASKS = [
    crash("an artifact that is a link out", "bad_task", setup=_linked("/etc/passwd")),
    crash("an artifact that is a link inside", "bad_task", setup=_linked("score.py")),
    crash("an artifact with a second name", "bad_task", setup=_hard_linked),
    crash("an artifact that is a pipe", "bad_task", setup=_pipe),
    crash("an artifact behind a link", "bad_task", setup=_linked_folder,
           task={"artifacts": ["prompts/a.md"]}),
    crash("a folder of artifacts that is a link", "bad_task", setup=_linked_folder,
           task={"artifacts": ["prompts/"]}),
    crash("a folder as a file", "bad_task", setup=prompts, task={"artifacts": ["prompts"]}),
    crash("an absolute artifact", "bad_task", task={"artifacts": ["/etc/passwd"]}),
    crash("an artifact above", "bad_task", task={"artifacts": ["../src/other.py"]}),
    crash("an artifact in .git", "bad_task", task={"artifacts": [".git/config"]}),
    crash("a cwd above", "bad_task", task={"scorer": {"cwd": ".."}}),
    crash("an absolute cwd", "bad_task", task={"mutator": {"cwd": "/"}}),
    crash("an absolute cwd below", "bad_task", task={"mutator": {"cwd": "/tmp"}}),
    crash("a cwd that leads out", "bad_task", setup=_linked_cwd, task={"mutator": {"cwd": "run"}}),
    crash("an unknown key", "bad_task", task={"objectiv": {"direction": "minimize"}}),
    crash("a key passed on", "bad_task", task={"environment": ["ANTHROPIC_API_KEY"]}),
]  # fmt: skip

ROWS = {
    f"{who} {row.name}": row
    for who, rows in (
        ("mutator:", MUTATORS), ("outside:", OUTSIDE), ("scorer:", SCORERS),
        ("runner:", RUNNERS), ("runner:", OUTPUTS), ("task:", TASKS), ("task:", COVERING),
        ("task:", HIDDEN),
    )
    for row in rows
}  # fmt: skip


def lay_out(row: Row, world: World, engine: Path, server: socket.socket) -> None:
    """Make the row's world. Words in capitals become paths and numbers of this machine."""
    words = {
        "ROOT": str(world.root), "ENGINE": str(engine), "PORT": str(server.getsockname()[1]),
        "PID": str(os.getpid()), "HOME": str(Path.home()),
    }  # fmt: skip
    for name, code in (("mutate", row.mutate), ("score", row.score), ("run", row.run)):
        text = code
        for word, value in words.items():
            text = text.replace(word, value)
        if text:
            world.write(f"t/{name}.py", text)
    if row.run:
        world.change({"runner": {"command": "python t/run.py"}})
    if row.setup is not None:
        row.setup(world)
    world.change(row.task)
