"""The table of hostile candidates and tasks: what each does, and how it must end."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.pipeline.task_world import BASE, BETTER, World


class Row(NamedTuple):
    """`mutate`, `run` and `score` are Python; '' leaves the world's own. `setup` comes before."""

    name: str
    status: str
    reason: str
    mutate: str = ""
    run: str = ""
    score: str = ""
    task: dict[str, Any] = {}
    setup: Callable[[World], object] | None = None
    jail: bool = False
    """Only a jail can hold this one."""


SAY = (
    'import json\nprint(json.dumps({"score": open("t/artifact.md").read().count("good") / 100}))\n'
)
IN_FOLDER = {"artifacts": ["prompts/"], "mutation": {"max_files": 3}}


def _keep(name: str, **more: Any) -> Row:
    return Row(name, "keep", "better", **more)


def _discard(name: str, reason: str, mutate: str = "", **more: Any) -> Row:
    return Row(name, "discard", reason, mutate, **more)


def _crash(name: str, reason: str, **more: Any) -> Row:
    return Row(name, "crash", reason, **more)


def _scorer(name: str, reason: str, prints: str) -> Row:
    code = f"import sys\nsys.stdout.buffer.write({prints!r}.encode())\n"
    # The baseline is scored by the same scorer: it has none either, and is not asked for.
    return _crash(name, reason, score=code)


def _prompts(world: World) -> None:
    world.write("t/prompts/a.md", "good\n")
    world.write("t/score.py", BASE.replace("t/artifact.md", "t/prompts/a.md"))


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


MUTATORS = [
    _keep("a better candidate"),
    _discard("nothing changed", "nothing_changed", "pass"),
    _discard("only touched", "nothing_changed", "import os\nos.utime('t/artifact.md', (1, 1))"),
    _discard("written anew as it was", "nothing_changed",
             "open('t/artifact.md.x', 'w').write('good\\n')\n"
             "import os\nos.replace('t/artifact.md.x', 't/artifact.md')"),
    _discard("worse", "not_better", "open('t/artifact.md', 'w').write('bad\\n')"),
    _discard("equal score", "not_better", "open('t/artifact.md', 'a').write('more\\n')"),
    _discard("edits the scorer", "evaluator_changed",
             "open('t/score.py', 'w').write('print(1)')"),
    _discard("edits the scorer and puts its time back", "evaluator_changed",
             "import os\nold = os.stat('t/score.py')\ntext = open('t/score.py').read()\n"
             "open('t/score.py', 'w').write(text.replace('100', '001'))\n"
             "os.utime('t/score.py', ns=(old.st_atime_ns, old.st_mtime_ns))"),
    _discard("edits the task.yaml", "evaluator_changed", "open('t/task.yaml', 'a').write('#')"),
    _discard("edits the data", "evaluator_changed", "open('data/gold.txt', 'a').write('x')",
             task={"evaluator": ["data"]}),
    _discard("adds to the data", "evaluator_changed", "open('data/more.txt', 'w').write('x')",
             task={"evaluator": ["data"]}),
    _discard("edits another file", "out_of_scope", "open('src/other.py', 'a').write('x')"),
    _discard("edits the mutator", "out_of_scope", "open('t/mutate.py', 'a').write('x')"),
    _discard("plants a module beside the scorer", "out_of_scope",
             "open('t/json.py', 'w').write('dumps = lambda _: 1')"),
    _discard("plants a git hook", "out_of_scope",
             "import os\nos.makedirs('.git/hooks')\nopen('.git/hooks/pre-commit', 'w').write('x')"),
    _discard("plants git settings", "out_of_scope",
             "import os\nos.makedirs('.git')\nopen('.git/config', 'w').write('x')"),
    _discard("changes .gitignore", "out_of_scope", "open('.gitignore', 'a').write('*')"),
    _discard("deletes another file", "out_of_scope", "import os\nos.unlink('src/other.py')"),
    _discard("replaces another file by a link", "out_of_scope",
             "import os\nos.unlink('src/other.py')\nos.symlink('/etc/passwd', 'src/other.py')"),
    _discard("makes a folder a link", "out_of_scope",
             "import os, shutil\nshutil.rmtree('src')\nos.symlink('/etc', 'src')"),
    _discard("makes the scorer executable", "evaluator_changed", "import os\n"
             "os.chmod('t/score.py', 0o755)"),
    _discard("a link in place of the artifact", "link",
             "import os\nos.unlink('t/artifact.md')\nos.symlink('/etc/passwd', 't/artifact.md')"),
    _discard("a link to the scorer in its place", "link",
             "import os\nos.unlink('t/artifact.md')\nos.symlink('score.py', 't/artifact.md')"),
    _discard("a hard link to the data in its place", "out_of_scope",
             "import os\nos.unlink('t/artifact.md')\nos.link('data/gold.txt', 't/artifact.md')"),
    _discard("a second name for the artifact", "out_of_scope",
             "import os\nos.link('t/artifact.md', 'twin.md')"),
    _discard("a pipe in its place", "link",
             "import os\nos.unlink('t/artifact.md')\nos.mkfifo('t/artifact.md')"),
    _discard("a socket in its place", "link",
             "import os, socket\nos.unlink('t/artifact.md')\n"
             "socket.socket(socket.AF_UNIX).bind('t/artifact.md')"),
    _discard("a folder in its place", "out_of_scope",
             "import os\nos.unlink('t/artifact.md')\nos.mkdir('t/artifact.md')\n"
             "open('t/artifact.md/x', 'w').write('x')", task={"mutation": {"may_delete": True}}),
    _discard("deleted", "deleted", "import os\nos.unlink('t/artifact.md')"),
    _discard("renamed in its folder", "renamed",
             "import os\nos.rename('t/prompts/a.md', 't/prompts/b.md')",
             task={**IN_FOLDER, "mutation": {"max_files": 3, "may_delete": True}}, setup=_prompts),
    _discard("its mode changed", "mode_changed", "import os\nos.chmod('t/artifact.md', 0o755)"),
    _discard("binary", "binary", "open('t/artifact.md', 'wb').write(bytes(range(256)))"),
    _discard("not UTF-8", "binary", "open('t/artifact.md', 'wb').write(b'good \\xff good')"),
    _discard("too many lines", "too_many_lines",
             "open('t/artifact.md', 'a').write('good\\n' * 41)"),
    _discard("too many lines, shuffled", "too_many_lines",
             "open('t/artifact.md', 'w').write(''.join(f'{i}\\n' for i in range(9999)))"),
    _discard("too many files", "too_many_files",
             "for i in range(4): open(f't/prompts/{i}.md', 'w').write('good\\n')",
             task=IN_FOLDER, setup=_prompts),
    _discard("a forbidden type", "file_type", "open('t/prompts/a.py', 'w').write('good\\n')",
             task={**IN_FOLDER, "mutation": {"file_types": [".md"]}}, setup=_prompts),
    _discard("a name in another case", "out_of_scope", "open('t/ARTIFACT.md', 'w').write('good')"),
    _discard("a name in another case, in its folder", "bad_name",
             "open('t/prompts/A.md', 'w').write('good')", task=IN_FOLDER, setup=_prompts),
    _discard("a name with a joined sign", "bad_name",
             "open('t/prompts/a\\u200d.md', 'w').write('good')", task=IN_FOLDER, setup=_prompts),
    _discard("a name in decomposed form", "bad_name",
             "open('t/prompts/cafe\\u0301.md', 'w').write('good')", task=IN_FOLDER, setup=_prompts),
    _discard("a name with a line end", "bad_name",
             "open('t/prompts/a\\nb.md', 'w').write('good')", task=IN_FOLDER, setup=_prompts),
    _discard("a name that is no UTF-8", "bad_name",
             "open(b't/prompts/\\xff.md', 'w').write('good')", task=IN_FOLDER, setup=_prompts),
    _discard("a .GIT folder in its folder", "bad_name",
             "import os\nos.makedirs('t/prompts/.GIT')\nopen('t/prompts/.GIT/x', 'w').write('x')",
             task=IN_FOLDER, setup=_prompts),
    _discard("a bytecode file for the scorer to load", "not_better",
             "import os\nos.makedirs('t/__pycache__')\n"
             "open('t/__pycache__/score.cpython-311.pyc', 'w').write('x')\n"
             "open('t/artifact.md', 'a').write('x')"),
    _discard("a folder deeper than any path", "out_of_scope",
             "import os\nfor i in range(2100):\n    os.mkdir('d' * 9)\n    os.chdir('d' * 9)"),
    _discard("a folder without permission", "out_of_scope",
             "import os\nos.mkdir('shut')\nopen('shut/x', 'w').write('x')\nos.chmod('shut', 0)"),
    _crash("fails", "mutator_failed", mutate="raise SystemExit(3)"),
    _crash("is not there", "mutator_failed", task={"mutator": {"command": "no-such-program"}}),
    _crash("kills itself", "mutator_failed", mutate="import os\nos.kill(os.getpid(), 9)"),
    _crash("writes 2 GB", "file_limit",
           mutate="file = open('big', 'wb')\nfor _ in range(2048): file.write(bytes(1 << 20))"),
    _crash("writes many large files", "file_limit",
           mutate="import time\nfor i in range(600): open(f'big{i}', 'wb').write(bytes(1 << 20))\n"
           "time.sleep(9)"),
    _crash("starts 500 processes", "process_limit",
           mutate="import subprocess\nfor _ in range(500): subprocess.Popen(['sleep', '60'])"),
    _crash("uses up the memory", "memory_limit",
           mutate="x = []\nfor _ in range(2048): x.append(bytearray(1 << 20))"),
    _crash("ignores SIGTERM and hangs", "time_limit", task={"mutator": {"timeout_seconds": 0.5}},
           mutate="import signal, time\nfor s in (1, 2, 3, 15): signal.signal(s, signal.SIG_IGN)\n"
           "time.sleep(60)"),
    _crash("prints 1 GB", "output_limit",
           mutate="import sys\nfor _ in range(1024): sys.stdout.write('x' * (1 << 20))"),
    _crash("prints 1 GB as errors", "output_limit",
           mutate="import sys\nfor _ in range(1024): sys.stderr.write('x' * (1 << 20))"),
    _keep("leaves a background process",
          mutate=BETTER + "import subprocess\nsubprocess.Popen(['sleep', '300'])"),
    _keep("leaves one in a session of its own",
          mutate=BETTER + "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork():"
          "\n        os._exit(0)\n    time.sleep(300)\ntime.sleep(0.05)"),
]  # fmt: skip

OUTSIDE = [
    _crash("opens the network", "mutator_failed", jail=True,
           mutate="import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)"),
    _crash("writes the workspace by its whole path", "mutator_failed", jail=True,
           mutate="open('ROOT/../beside.txt', 'x').write('x')\nopen('HOME/beside.txt').read()"),
    _discard("writes the scorer by its whole path", "evaluator_changed", jail=True,
             mutate="open('ROOT/t/score.py', 'w').write('print(1)')"),
    _discard("writes a git hook by its whole path", "out_of_scope", jail=True,
             mutate="import os\nos.makedirs('ROOT/.git/hooks', exist_ok=True)\n"
             "open('ROOT/.git/hooks/pre-commit', 'w').write('x')"),
    _crash("edits the engine", "mutator_failed", jail=True,
           mutate="open('ENGINE', 'a').write('# planted')"),
    _crash("edits its Python", "mutator_failed", jail=True,
           mutate="import json\nopen(json.__file__, 'a').write('# planted')"),
    _crash("reads our processes", "mutator_failed", jail=True,
           mutate="open('/proc/PID/environ').read()"),
    _crash("reads a key from its environment", "mutator_failed",
           mutate="import os\nos.environ['OPENAI_API_KEY']"),
    _crash("sets a kernel setting", "mutator_failed", jail=True,
           mutate="open('/proc/sys/kernel/core_pattern', 'w').write('x')"),
    _crash("mounts", "mutator_failed", jail=True,
           mutate="import ctypes\nraise SystemExit(ctypes.CDLL(None).mount("
           "b'tmpfs', b'/tmp', b'tmpfs', 0, None) != 0)"),
    _crash("makes a device", "mutator_failed", jail=True,
           mutate="import os, stat\nos.mknod('t/disk', 0o600 | stat.S_IFBLK, os.makedev(254, 0))"),
]  # fmt: skip

SCORERS = [
    _scorer("prints NaN", "score_not_finite", '{"score": NaN}'),
    _scorer("prints Infinity", "score_not_finite", '{"score": Infinity}'),
    _scorer("prints a number beyond all", "score_not_finite", '{"score": 1e999}'),
    _scorer("prints NaN as a metric", "score_not_finite", '{"score": 1, "metrics": {"a": NaN}}'),
    _scorer("prints two JSONs", "score_unreadable", '{"score": 1}\n{"score": 2}'),
    _scorer("prints the score twice", "score_unreadable", '{"score": 1, "score": 2}'),
    _scorer("prints a BOM", "score_unreadable", '\ufeff{"score": 1}'),
    _scorer("prints nothing", "score_missing", ""),
    _scorer("prints no score", "score_missing", '{"points": 1}'),
    _scorer("prints a score in words", "score_unreadable", '{"score": "1"}'),
    _scorer("prints yes", "score_unreadable", '{"score": true}'),
    _scorer("prints a list", "score_unreadable", "[1]"),
    _scorer("prints words before it", "score_unreadable", 'loading\n{"score": 1}'),
    _scorer("prints a tower", "score_unreadable", "[" * 100_000),
    _crash("fails", "scorer_failed", score="raise SystemExit(1)"),
    _crash("scores above the range", "score_out_of_range", score="print('{\"score\": 7}')",
           task={"objective": {"low": 0, "high": 1}}),
    _crash("leaves a stale answer unread", "score_missing", setup=_stale,
           task={"scorer": {"parse": {"file": "work/score.json"}}}),
    _crash("answers by a link", "score_missing",
           score="import os\nos.symlink('/etc/hostname', 'work/score.json')",
           task={"scorer": {"parse": {"file": "work/score.json"}}}),
    _discard("gives another score each time", "noisy",
             score="import os\nprint('{\"score\":', int.from_bytes(os.urandom(6), 'big'), '}')"),
    _discard("breaks a bound", "constraint", task={"constraints": {"length": {"max": 6}}}),
    _discard("does not tell a bounded metric", "constraint",
             task={"constraints": {"latency": {"max": 6}}}),
    _discard("gains too little", "gain_too_small", task={"objective": {"minimum_gain": 0.5}}),
]  # fmt: skip

RUNNERS = [
    _discard("alters the artifact", "artifact_changed",
             run="open('t/artifact.md', 'a').write('good good good')"),
    _discard("alters the scorer", "evaluator_changed",
             run="open('t/score.py', 'w').write('print(1)')"),
    _discard("deletes the data", "evaluator_changed", run="import os\nos.unlink('data/gold.txt')"),
    _crash("fails", "runner_failed", run="raise SystemExit(9)"),
    _keep("plants a module beside the scorer, which is taken away",
          run="open('t/json.py', 'w').write('dumps = lambda _: 1')"),
    _keep("plants bytecode, which is taken away",
          run="import os\nos.makedirs('t/__pycache__')\nopen('t/__pycache__/a.pyc', 'w')"),
    _keep("writes its output", run="open('work/out.txt', 'w').write('out')",
          score="open('work/out.txt').read()\n" + SAY),
    _keep("makes work/ a link",
          run="import os, shutil\nshutil.rmtree('work')\nos.symlink('/etc', 'work')"),
    _crash("writes the scorer's answer itself", "score_missing", score="pass",
           run="open('work/score.json', 'w').write('{\"score\": 1}')",
           task={"scorer": {"parse": {"file": "work/score.json"}}}),
]  # fmt: skip

TASKS = [
    _crash("an artifact that is a link out", "bad_task", setup=_linked("/etc/passwd")),
    _crash("an artifact that is a link inside", "bad_task", setup=_linked("score.py")),
    _crash("an artifact with a second name", "bad_task", setup=_hard_linked),
    _crash("an artifact that is a pipe", "bad_task", setup=_pipe),
    _crash("an artifact behind a link", "bad_task", setup=_linked_folder,
           task={"artifacts": ["prompts/a.md"]}),
    _crash("a folder of artifacts that is a link", "bad_task", setup=_linked_folder,
           task={"artifacts": ["prompts/"]}),
    _crash("a folder as a file", "bad_task", setup=_prompts, task={"artifacts": ["prompts"]}),
    _crash("an absolute artifact", "bad_task", task={"artifacts": ["/etc/passwd"]}),
    _crash("an artifact above", "bad_task", task={"artifacts": ["../src/other.py"]}),
    _crash("an artifact in .git", "bad_task", task={"artifacts": [".git/config"]}),
    _crash("a cwd above", "bad_task", task={"scorer": {"cwd": ".."}}),
    _crash("an absolute cwd", "bad_task", task={"mutator": {"cwd": "/"}}),
    _crash("an absolute cwd below", "bad_task", task={"mutator": {"cwd": "/tmp"}}),
    _crash("a cwd that leads out", "bad_task", setup=_linked_cwd, task={"mutator": {"cwd": "run"}}),
    _crash("an unknown key", "bad_task", task={"objectiv": {"direction": "minimize"}}),
    _crash("a key passed on", "bad_task", task={"environment": ["ANTHROPIC_API_KEY"]}),
]  # fmt: skip

ROWS = {
    f"{who} {row.name}": row
    for who, rows in (
        ("mutator:", MUTATORS), ("outside:", OUTSIDE), ("scorer:", SCORERS),
        ("runner:", RUNNERS), ("task:", TASKS),
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
