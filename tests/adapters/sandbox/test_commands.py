"""Commands of a task: what they may take, what they leave, and how they end."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from adapters.sandbox.bubblewrap import SETTING
from adapters.sandbox.commands import SandboxedCommands
from prompt_lab.ports import Bounds, CommandFolder, CommandResult
from tests.adapters.sandbox.sandboxed import needs_sandbox
from tests.processes import until

pytestmark = [pytest.mark.slow, needs_sandbox]
NAP = f"78.{os.getpid()}"  # as nobody else on this machine sleeps
ENVIRONMENT = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath])}


@pytest.fixture(params=["bubblewrap", "none"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CommandFolder:
    monkeypatch.setenv(SETTING, request.param)
    tree = tmp_path / "tree"
    tree.mkdir()
    return CommandFolder(tree, tmp_path)


def _run(place: CommandFolder, code: str, seconds: float = 200.0) -> CommandResult:
    limits = Bounds(seconds, memory_mb=256, processes=20, output_mb=1, file_mb=2)
    return SandboxedCommands().run(["python", "-c", code], ".", ENVIRONMENT, place, limits)


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("import time; time.sleep(60)", ["time_limit"]),
        ("x = [bytearray(1 << 20) for _ in range(1000)]", ["memory_limit", ""]),
        ("import os, time\nfor _ in range(9): os.fork()\ntime.sleep(60)", ["process_limit"]),
        ("while True: print('x' * 9999)", ["output_limit"]),
        ("f = open('big', 'wb')\nwhile True: f.write(bytes(99999))", ["file_limit"]),
    ],
)
def test_a_command_that_takes_too_much_is_ended(
    place: CommandFolder, code: str, reasons: list[str]
) -> None:
    ended = _run(place, code, seconds=1.0 if "time_limit" in reasons else 200.0)
    assert ended.reason in reasons
    assert ended.reason or ended.code  # an allocation may fail before it is seen
    assert not list(place.tree.glob("*")) or ended.reason == "file_limit"
    assert _run(place, "print(1)").out == "1\n"


@pytest.mark.parametrize("place", ["bubblewrap"], indirect=True)
def test_what_a_command_leaves_running_ends_with_it(place: CommandFolder) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(77.125)"
    assert _run(place, code + "\ntime.sleep(0.1)").code == 0
    assert not [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _says(pid, b"77.125")]


def test_exit_codes_and_signals_are_told(place: CommandFolder) -> None:
    assert _run(place, "raise SystemExit(7)").code == 7
    assert _run(place, "import os; os.kill(os.getpid(), 11)").code == -11
    missing = SandboxedCommands().run(["no-such"], ".", ENVIRONMENT, place, Bounds(9, 64, 9, 1, 1))
    assert missing.code == 127
    assert "'no-such' cannot be started" in missing.err


def test_nothing_of_our_environment_is_passed(place: CommandFolder) -> None:
    os.environ["SANDBOX_TEST_SECRET"] = "hidden"
    assert "SANDBOX" not in _run(place, "import os; print(dict(os.environ))").out


@pytest.mark.parametrize("place", ["bubblewrap"], indirect=True)
def test_a_command_reaches_its_tree_alone(place: CommandFolder) -> None:
    (place.at / "secret").write_text("of the workspace", encoding="utf-8")
    code = f"""
import os, socket
def reach(what, *args):
    try:
        what(*args)
    except OSError as error:
        print(type(error).__name__)
    else:
        print("reached")
reach(open, "mine", "w")
reach(open, "/tmp/mine", "w")
reach(open, "secret")
reach(open, "/etc/mine", "w")
reach(os.mknod, "node", 0o60600, 0)
reach(os.listdir, "/proc/{os.getpid()}")
reach(socket.create_connection, ("192.0.2.1", 9), 1)
print(os.getcwd(), os.path.exists("/home"))
"""
    words = _run(place, code).out.split()
    refused = ["FileNotFoundError", "OSError", "PermissionError", "FileNotFoundError", "OSError"]
    assert words == ["reached", "reached", *refused, str(place.at), "False"]
    assert (place.tree / "mine").exists()


def test_a_killed_engine_takes_its_command_along(tmp_path: Path) -> None:
    place = CommandFolder(tmp_path, tmp_path)
    pid = os.fork()
    if pid == 0:
        SandboxedCommands().run(["sleep", NAP], ".", ENVIRONMENT, place, Bounds(60, 64, 9, 1, 1))
        os._exit(0)
    until(_sleeping)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    until(lambda: not _sleeping())


@pytest.mark.skipif(os.geteuid() != 0, reason="this user is no root already")
def test_a_user_without_any_privilege_has_the_same_sandbox() -> None:
    with TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        code = f"""
import os, sys
sys.path[:0] = {[str(Path(__file__).parents[3])]!r}
from adapters.sandbox.processes import run
from adapters.sandbox.policy import ProcessLimits, SandboxPolicy, show_writable
from pathlib import Path
os.setgroups([]); os.setgid(65534); os.setuid(65534)
box = Path({name!r})
ended = run(["sh", "-c", "id -u; touch a; touch /b; ls /proc | grep -c '^[0-9]'"],
            SandboxPolicy(ProcessLimits(30), show_writable(box), environment={{"PATH": "/bin"}}),
            box)
print(ended.out.split(), ended.code)
"""
        pid = os.fork()
        if pid == 0:
            with open(Path(name, "said"), "w", encoding="utf-8") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.execv(sys.executable, [sys.executable, "-c", code])
        os.waitpid(pid, 0)
        said = Path(name, "said").read_text("utf-8")
        assert said == "[b'65534', b'4'] 0\n", said
        assert Path(name, "a").exists()


def _sleeping() -> list[str]:
    return [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _says(pid, NAP.encode())]


def _says(pid: str, word: bytes) -> bool:
    try:
        return word in Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return False
