# ruff: noqa: E501 -- the engine's program is a text
"""Every hostile program is held, as root and as a user without any privilege."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.adapters.sandbox.hostile_programs import ALONE, NOT_ALONE, PROGRAMS
from tests.adapters.sandbox.sandboxed import needs_sandbox

pytestmark = [pytest.mark.slow, needs_sandbox]
NOBODY = 65534
MOST_ENGINE_MB = 300
SECONDS = {"time": 1.0, "processes": 4.0}
"""For rows that may end by it; others end by themselves, however slow the machine is."""
ENGINE = """
import json, os, sys
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
from adapters.sandbox.policy import ProcessLimits, SandboxPolicy, show, show_writable
from adapters.sandbox import usage, network, seccomp, launch
from adapters.sandbox.processes import run
from adapters.sandbox.view import interpreter_folders
import encodings.ascii, encodings.idna, encodings.latin_1
user, box, python = int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
os.environ["SOME_API_KEY"] = "sk-engine"
def peak():  # of this program: what getrusage says counts the process that it was forked from too
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10
for line in sys.stdin:
    code, shown, seconds = json.loads(line)
    mounts = show(*map(Path, shown)) + show_writable(box)
    limits = ProcessLimits(seconds, output=1 << 20, memory_mb=256, processes=24, file_mb=16)
    ended = run([python, "-I", "-c", code], SandboxPolicy(limits, mounts, environment={"PATH": "/usr/bin:/bin"}), box)
    said = {"code": ended.code, "stopped": ended.stopped, "out": ended.out.decode("utf-8", "replace")[-400000:],
            "err": ended.err.decode("utf-8", "replace")[-2000:], "seconds": ended.seconds,
            "peak_mb": peak()}
    print(json.dumps(said), flush=True)
"""
TOGETHER = """
import json, os, sys
PROGRAMS = {programs!r}
for number, code in enumerate(PROGRAMS):
    read, write = os.pipe()
    os.mkdir(str(number))
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.chdir(str(number))
        os.dup2(write, 1); os.dup2(write, 2)
        os.closerange(3, 64)
        try:
            exec(compile(code, "program", "exec"), {{"__name__": "__main__"}})
        except BaseException as error:
            print(type(error).__name__, error)
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    try:
        os.killpg(pid, 9)
    except OSError:
        pass
    said = b""
    while data := os.read(read, 1 << 16):
        said += data
    os.close(read)
    print(json.dumps([number, said.decode("utf-8", "replace")[-2000:]]), flush=True)
"""
"""One sandbox for many programs that cannot disturb one another: each in a fork and a folder."""
HELD = """
def _held(number):
    import os
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
"""


class Engine:
    """A process that starts sandboxes, as one user, with the secrets that they must not reach."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.folder = Path(mkdtemp(prefix="prompt-lab-hostile-"))
        self.folder.chmod(0o755)
        self.box = self.folder / "open" / "box"
        self.box.mkdir(parents=True)
        os.chown(self.box, user, user)
        self.secret = self.folder / "secret" / "gold"
        self.secret.parent.mkdir()
        self.secret.write_text("gold")
        os.mkfifo(self.folder / "fifo", 0o666)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.files = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        self.abstract = f"prompt-lab-{os.getpid()}-{user}"
        for listener, name in zip(
            self.files, (str(self.folder / "socket"), f"\0{self.abstract}"), strict=True
        ):
            listener.bind(name)
            listener.listen()
        python = sys.executable if user == os.geteuid() else _python_for_all()
        root = str(Path(__file__).parents[3])
        self._shown = [] if python.startswith("/usr/bin") else [sys.prefix, sys.base_prefix]
        self._process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, root, str(user if user != os.geteuid() else 0),
             str(self.box), python],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @cached_property
    def together(self) -> dict[str, Any]:
        """What each of the programs printed that may share a sandbox."""
        texts = [HELD + PROGRAMS[name].code for name in NOT_ALONE]
        ended = self.run(TOGETHER.format(programs=texts), 120.0)
        assert (ended["code"], ended["stopped"]) == (0, ""), ended
        assert ended["peak_mb"] < MOST_ENGINE_MB
        self.check_outside()
        return {NOT_ALONE[at]: said for at, said in map(json.loads, ended["out"].splitlines())}

    def check_outside(self) -> None:
        """Nothing outside has changed, and nothing inside is setuid; the box is emptied."""
        assert self.secret.read_text() == "gold"
        assert sorted(os.listdir(self.folder)) == ["fifo", "open", "secret", "socket"]
        assert os.listdir(self.box.parent) == ["box"]
        words = ["-mindepth", "1", "-depth", "(", "-perm", "/6000", "-print", "-o", "-true", ")"]
        done = subprocess.run(
            ["find", self.box, *words, "-delete"], capture_output=True, check=True
        )
        assert done.stdout == b""

    def run(self, code: str, seconds: float) -> dict[str, Any]:
        for name, value in (
            ("SECRET", str(self.secret)), ("SOCKET", str(self.folder / "socket")),
            ("ABSTRACT", self.abstract), ("FIFO", str(self.folder / "fifo")),
            ("PORT", str(self.server.getsockname()[1])), ("ENGINE", str(self._process.pid)),
        ):  # fmt: skip
            code = code.replace(name, value)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([code, self._shown, seconds]) + "\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        for listener in (self.server, *self.files):
            listener.close()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


def _python_for_all() -> str:
    found = shutil.which("python3", path="/usr/bin:/bin")
    if found is None:
        pytest.skip("no Python that another user may run")
    return found


@pytest.fixture(scope="module", params=["own", "nobody"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "nobody" and os.geteuid() != 0:
        pytest.skip("only root can become another user; this user is one")
    engine = Engine(os.geteuid() if request.param == "own" else NOBODY)
    yield engine
    engine.close()


@pytest.mark.parametrize("name", NOT_ALONE)
def test_a_hostile_program_is_refused(engine: Engine, name: str) -> None:
    said = engine.together[name]
    assert "ESCAPED" not in said
    assert said.startswith("refused "), said  # it ran, up to what it tried


@pytest.mark.parametrize("name", ALONE)
def test_a_hostile_program_is_held(engine: Engine, name: str) -> None:
    program = PROGRAMS[name]
    ended = engine.run(HELD + program.code, SECONDS.get(program.stopped, 60.0))
    assert "ESCAPED" not in ended["out"], ended
    assert "SyntaxError" not in ended["err"], ended
    # For another user than root the kernel refuses a process too many, and the program goes on.
    refused = ("", "time") if program.stopped == "processes" and engine.user else ()
    assert ended["stopped"] in (program.stopped, *refused), ended
    assert ended["peak_mb"] < MOST_ENGINE_MB
    engine.check_outside()


def test_the_table_is_long_enough() -> None:
    assert len(PROGRAMS) >= 120
    assert {*NOT_ALONE, *ALONE} == {*PROGRAMS}
