"""Commands with and without a jail: what they may take, what they leave, what they can reach."""

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from adapters.isolation.jail import Builder, Jail
from adapters.sandbox.commands import CommandSupervisor
from prompt_lab.ports import Bounds, CommandFolder, CommandResult
from tests.processes import until

pytestmark = pytest.mark.slow
NAP = f"78.{os.getpid()}"  # as nobody else on this machine sleeps
ENVIRONMENT = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath])}
NOBODY, PR_SET_DUMPABLE = 65534, 4


@pytest.fixture(scope="module")
def keeper() -> Iterator[CommandSupervisor]:
    keeper = CommandSupervisor()
    yield keeper
    keeper.close()


@pytest.fixture(params=[True, False], ids=["jail", "no jail"])
def place(
    request: pytest.FixtureRequest, keeper: CommandSupervisor, tmp_path: Path
) -> CommandFolder:
    if request.param and keeper.no_jail:
        pytest.skip(keeper.no_jail)
    tree = tmp_path / "tree"
    tree.mkdir()
    return CommandFolder(tree, tmp_path, jail=request.param)


def _run(
    keeper: CommandSupervisor, place: CommandFolder, code: str, seconds: float = 200.0
) -> CommandResult:
    limits = Bounds(seconds, memory_mb=128, processes=20, output_mb=1, file_mb=2)
    return keeper.run(["python", "-c", code], ".", ENVIRONMENT, place, limits)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import time; time.sleep(60)", "time_limit"),
        ("x = [bytearray(1 << 20) for _ in range(1000)]", "memory_limit"),
        ("import os\nwhile True: os.fork() or __import__('time').sleep(9)", "process_limit"),
        ("while True: print('x' * 9999)", "output_limit"),
        ("f = open('big', 'wb')\nwhile True: f.write(bytes(99999))", "file_limit"),
    ],
)
def test_a_command_that_takes_too_much_is_ended(
    keeper: CommandSupervisor, place: CommandFolder, code: str, reason: str
) -> None:
    ended = _run(keeper, place, code, seconds=1.0 if reason == "time_limit" else 200.0)
    if reason == "memory_limit" and ended.unbound:
        assert ended.code  # without a control group an allocation fails
    elif reason == "process_limit" and ended.unbound:
        assert ended.reason in ("process_limit", "time_limit")
    else:
        assert ended.reason == reason
    assert not list(place.tree.glob("*")) or reason == "file_limit"
    assert _run(keeper, place, "print(1)").out == "1\n"


def test_what_a_command_leaves_running_ends_with_it(
    keeper: CommandSupervisor, place: CommandFolder
) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(77.125)"
    ended = _run(keeper, place, code + "\ntime.sleep(0.1)")
    assert (ended.code, ended.left) == (0, 1)
    assert not [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _says(pid, b"77.125")]


def test_exit_codes_and_signals_are_told(keeper: CommandSupervisor, place: CommandFolder) -> None:
    assert _run(keeper, place, "raise SystemExit(7)").code == 7
    assert _run(keeper, place, "import os; os.kill(os.getpid(), 11)").code == -11
    missing = keeper.run(["no-such"], ".", ENVIRONMENT, place, Bounds(9, 64, 9, 1, 1))
    assert missing.code == 127
    assert "'no-such' cannot be started" in missing.err


def test_nothing_of_our_environment_is_passed(
    keeper: CommandSupervisor, place: CommandFolder
) -> None:
    os.environ["SANDBOX_TEST_SECRET"] = "hidden"
    assert "SANDBOX" not in _run(keeper, place, "import os; print(dict(os.environ))").out


@pytest.mark.parametrize("place", [True], indirect=True)
def test_a_jailed_command_reaches_its_tree_alone(
    keeper: CommandSupervisor, place: CommandFolder
) -> None:
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
print(os.getcwd(), os.listdir("/home"))
"""
    words = _run(keeper, place, code).out.split()
    refused = ["FileNotFoundError", "OSError", "PermissionError", "FileNotFoundError", "OSError"]
    assert words == ["reached", "reached", *refused, str(place.at), "[]"]
    assert (place.tree / "mine").exists()


def test_a_killed_keeper_takes_its_command_along(tmp_path: Path) -> None:
    keeper = CommandSupervisor()
    place = CommandFolder(tmp_path, tmp_path, jail=not keeper.no_jail)
    pid = os.fork()
    if pid == 0:
        own = CommandSupervisor()
        own.run(["sleep", NAP], ".", ENVIRONMENT, place, Bounds(60, 64, 9, 1, 1))
        os._exit(0)
    until(_sleeping)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    until(lambda: not _sleeping())
    keeper.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach, which pytest's own are not."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_a_jail_takes_no_privilege(open_folder: Path) -> None:
    """As another user than root, where the kernel gives such a user namespaces of its own."""
    tree, at = open_folder / "tree", open_folder / "at"
    for folder in (tree, at):
        folder.mkdir()
        os.chmod(folder, 0o777)
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(tell, _as_nobody(tree, at).encode())
        except BaseException as error:
            os.write(tell, repr(error).encode())
        os._exit(0)
    os.close(tell)
    os.waitpid(pid, 0)
    said = os.read(told, 4096).decode()
    if said.startswith("no namespaces"):
        pytest.skip(said)
    assert said == "written, refused, refused"
    assert (tree / "a").exists()


def _as_nobody(tree: Path, at: Path) -> str:
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after an exec
        jail = Builder(Jail((), (), ((str(tree), str(at)),), False, scratch_mb=1, whole=True))
        jail.separate()
        jail.arrange()
    except OSError as error:
        return f"no namespaces for this user: {error}"
    told, tell = os.pipe()
    if os.fork() == 0:
        os.write(tell, _tried(jail, at / "a", tree / "b", Path("/proc/self/comm")).encode())
        os._exit(0)
    os.close(tell)
    os.wait()
    return os.read(told, 4096).decode()


def _tried(jail: Builder, *paths: Path) -> str:
    """Whether each of the paths can be written, as the first process of the jail."""
    try:
        jail.finish()
    except OSError as error:
        return f"no namespaces for this user: {error}"
    words = []
    for path in paths:
        try:
            path.write_bytes(b"x")
            words.append("written")
        except OSError:
            words.append("refused")
    return ", ".join(words)


def _sleeping() -> list[str]:
    return [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _says(pid, NAP.encode())]


def _says(pid: str, word: bytes) -> bool:
    try:
        return word in Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return False
