"""Commands in a sandbox: what they see, write and reach, and that nothing of them goes on."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.sandbox.bubblewrap import SETTING
from adapters.sandbox.control_group import ControlGroup
from adapters.sandbox.inside.tree import is_running
from adapters.sandbox.launch import launch
from adapters.sandbox.policy import ProcessLimits, SandboxPolicy, show, show_writable
from adapters.sandbox.processes import run
from prompt_lab.errors import TransientError
from tests.adapters.sandbox.sandboxed import needs_sandbox, policy_for, python, shell
from tests.processes import command_runs

pytestmark = [pytest.mark.slow, needs_sandbox]


def test_output_code_and_input(places: tuple[Path, Path]) -> None:
    box, _ = places
    policy = policy_for(*show_writable(box))
    ended = run(["sh", "-c", "cat; echo bad >&2; exit 3"], policy, box, b"said")
    assert (ended.out, ended.err, ended.code, ended.stopped) == (b"said", b"bad\n", 3, "")
    assert shell(box, "kill -11 $$", policy).code == -11


def test_only_named_variables_are_passed(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-0123456789")
    box, _ = places
    policy = policy_for(*show_writable(box), HOME=str(box), KEY="sk-given")
    ended = shell(box, "env; tr '\\0' ' ' </proc/1/environ; tr '\\0' ' ' </proc/1/cmdline", policy)
    assert b"sk-0123456789" not in ended.out
    assert ended.out.count(b"sk-given") == 1  # and not among bubblewrap's own words
    assert f"HOME={box}" in ended.out.decode()


def test_what_is_not_mounted_is_not_there_and_the_rest_cannot_be_written(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    box, lab = places
    script = f"cat {lab}/verify/gold.txt; touch {tmp_path}/stray /etc/stray; echo mine > kept"
    ended = shell(box, script, policy_for(*show_writable(box)))
    assert b"12.50" not in ended.out
    assert (box / "kept").read_text() == "mine\n"
    assert not (tmp_path / "stray").exists()
    assert not Path("/etc/stray").exists()


def test_what_is_hidden_in_a_mount_is_empty_but_for_mounts_in_it(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    box, lab = places
    (lab / "tree").mkdir()
    (lab / "tree/a").write_text("seen")
    policy = policy_for(*show(tmp_path, lab / "tree"), *show_writable(box), hidden=(lab,))
    steal = f"umount {lab}; cat {lab}/verify/gold.txt"
    ended = shell(box, f"cat {lab}/tree/a; touch {lab}/tree/b {lab}/c; ls {lab}; {steal}", policy)
    assert ended.out == b"seentree\n"
    assert not (lab / "tree/b").exists()


def test_a_hidden_file_cannot_be_read_where_its_folder_can(places: tuple[Path, Path]) -> None:
    box, lab = places
    for name in ("gold", "other"):
        (lab / name).write_text(f"the {name}\n")
    policy = policy_for(*show(lab), *show_writable(box), hidden=(lab / "gold",))
    ended = shell(box, f"cat {lab}/gold {lab}/other; rm {lab}/gold; umount {lab}/gold", policy)
    assert ended.out == b"the other\n"
    assert (lab / "gold").read_text() == "the gold\n"


def test_its_time_ends_children_in_sessions_of_their_own_too(places: tuple[Path, Path]) -> None:
    box, _ = places
    word = f"sleep 1{os.getpid()}"
    script = f"(setsid {word} &); (setsid nohup {word} >/dev/null 2>&1 &); trap '' TERM; {word}"
    ended = shell(box, script, policy_for(*show_writable(box), limits=ProcessLimits(1.0)))
    assert ended.stopped == "time"
    assert not command_runs(word)


def test_what_outlives_a_command_that_has_ended_is_ended(places: tuple[Path, Path]) -> None:
    box, _ = places
    word = f"sleep 2{os.getpid()}"
    script = f"(setsid {word} >/dev/null 2>&1 &); echo done"
    ended = shell(box, script, policy_for(*show_writable(box)))
    assert (ended.out, ended.code) == (b"done\n", 0)
    assert not command_runs(word)


def test_output_is_bounded(places: tuple[Path, Path]) -> None:
    ended = shell(places[0], "yes", policy_for(*show(places[0]), limits=ProcessLimits(30, 100_000)))
    assert ended.stopped == "output"
    assert len(ended.out) < 300_000


def test_a_watch_sees_whole_lines_and_can_end_the_command(places: tuple[Path, Path]) -> None:
    seen: list[bytes] = []

    def watch(line: bytes) -> bool:
        seen.append(line)
        return line == b"dear"

    policy = policy_for(*show(places[0]))
    ended = run(["sh", "-c", "echo cheap; echo dear; sleep 60"], policy, places[0], watch=watch)
    assert (seen, ended.stopped) == ([b"cheap", b"dear"], "watch")


def test_a_command_that_is_not_there(places: tuple[Path, Path]) -> None:
    ended = run(["no-such-command"], policy_for(*show(places[0])), places[0])
    assert ended.code == 127
    assert b"'no-such-command' cannot be started" in ended.err


def test_a_sandbox_that_cannot_be_built_is_no_result_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"could not be built.*missing"):
        run(["true"], policy_for(*show(tmp_path / "missing")), tmp_path)


WITHOUT = """
import os
from pathlib import Path
from adapters.sandbox.bubblewrap import SETTING, describe_refusal
from adapters.sandbox.policy import ProcessLimits, SandboxPolicy
from adapters.sandbox.processes import run
from prompt_lab.errors import SandboxUnavailable

policy = SandboxPolicy(ProcessLimits(30), environment={"PATH": os.defpath})
print(describe_refusal("It was"))
try:
    run(["true"], policy, Path("/tmp"))
except SandboxUnavailable as error:
    print(error)
os.environ[SETTING] = "none"
ended = run(["echo", "ran"], policy, Path("/tmp"))
print(ended.out.decode().strip(), ended.unenforced[0])
"""


def test_where_user_namespaces_are_forbidden_nothing_runs_unless_the_operator_says_so(
    places: tuple[Path, Path],
) -> None:
    repository = Path(__file__).parents[3]  # in a sandbox, where none can be built
    ended = python(places[0], WITHOUT, policy_for(*show(repository), *show_writable(places[0])))
    refusal, error, ran = ended.out.decode().splitlines()
    assert refusal.startswith("It was not run: it is code of others, and this machine cannot build")
    assert f"{SETTING}=none" in refusal
    assert error.startswith("'true' was not run: it is code of others")
    assert ran.startswith("ran no sandbox: the file system, the network")


REACH = """
import socket
for host, port in (("localhost", {near}), ("127.0.0.1", {far})):
    try:
        line = socket.create_connection((host, port), 5)
        line.sendall(b"hi")
        print(line.recv(9).decode())
    except OSError:
        print("no way")
print(open("/proc/self/status").read().split("CapEff:")[1].split()[0])
"""


def test_only_the_granted_address_can_be_reached(places: tuple[Path, Path]) -> None:
    box, _ = places
    with _echo() as near, _echo() as far:
        ports = near.getsockname()[1], far.getsockname()[1]
        script = REACH.format(near=ports[0], far=ports[1])
        network = (("127.0.0.1", ports[0]), ("model.invalid", 443))
        ended = python(box, script, policy_for(*show_writable(box), network=network))
    assert ended.out.decode().split("\n")[:3] == ["hi", "no way", "0" * 16], ended.err


def _echo() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            while True:
                line, _ = listener.accept()
                line.sendall(line.recv(9))
                line.close()
        except OSError:
            return

    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_a_sandbox_whose_limits_fail_ends_and_its_command_never_begins(
    places: tuple[Path, Path],
) -> None:
    box, _ = places
    bounded: list[int] = []

    def refuse(
        pid: int, policy: SandboxPolicy, spared: int, *, sandboxed: bool
    ) -> tuple[ControlGroup, tuple[str, ...]]:
        bounded.append(pid)
        raise OSError("no group for it")

    words = ["sh", "-c", "echo begun > begun"]
    policy = policy_for(*show_writable(box))
    with ThreadPoolExecutor(1) as thread, pytest.raises(TransientError, match="no group for it"):
        thread.submit(launch, policy, words, box, apply=refuse).result(timeout=60)
    assert not is_running(bounded[0])
    assert not (box / "begun").exists()
