"""Commands behind walls: what they see, write and reach, and that nothing of them goes on."""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from adapters.isolation.policy import SandboxPolicy
from adapters.isolation.processes import ProcessLimits, run
from tests.adapters.walls.behind import PLENTY, needs_walls, shell
from tests.processes import command_runs

pytestmark = pytest.mark.slow


def test_output_code_and_input(places: tuple[Path, Path]) -> None:
    box, _ = places
    ended = run(["sh", "-c", "cat; echo bad >&2; exit 3"], cwd=box, environment={}, limits=PLENTY,
                stdin=b"said")  # fmt: skip
    assert (ended.out, ended.err, ended.code, ended.stopped) == (b"said", b"bad\n", 3, "")


def test_only_named_variables_are_passed(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-0123456789")
    box, lab = places
    for walls in (None, SandboxPolicy(hidden=(lab,), writable=(box,))):
        out = shell(box, "env", walls, HOME=str(box)).out.decode()
        assert "sk-0123456789" not in out
        assert f"HOME={box}" in out


def test_a_hidden_folder_is_empty_and_the_rest_cannot_be_written(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    box, lab = places
    walls = SandboxPolicy(hidden=(lab,), writable=(box,))
    steal = f"cat {lab}/verify/gold.txt; umount {lab}; cat {lab}/verify/gold.txt"
    script = f"{steal}; touch {tmp_path}/stray /etc/stray; echo mine > kept"
    ended = shell(box, script, walls)
    needs_walls(ended)
    assert b"12.50" not in ended.out
    assert (box / "kept").read_text() == "mine\n"
    assert not (tmp_path / "stray").exists()
    assert not Path("/etc/stray").exists()


def test_what_is_visible_in_a_hidden_folder_can_be_read_only(places: tuple[Path, Path]) -> None:
    box, lab = places
    tree = lab / "tree"
    tree.mkdir()
    (tree / "a").write_text("seen")
    ended = shell(box, f"cat {tree}/a; touch {tree}/b; ls {lab}",
                  SandboxPolicy(hidden=(lab,), visible=(tree,), writable=(box,)))  # fmt: skip
    needs_walls(ended)
    assert ended.out == b"seentree\n"
    assert not (tree / "b").exists()


def test_no_right_is_left_and_no_other_process_in_view(places: tuple[Path, Path]) -> None:
    box, lab = places
    ended = shell(box, "grep CapEff /proc/self/status; ls -d /proc/[0-9]* | wc -l",
                  SandboxPolicy(hidden=(lab,), writable=(box,)))  # fmt: skip
    needs_walls(ended)
    rights, processes = ended.out.decode().splitlines()
    assert int(rights.split()[1], 16) == 0
    assert int(processes) < 8


@pytest.mark.parametrize("walled", [True, False])
def test_its_time_ends_children_in_sessions_of_their_own_too(
    places: tuple[Path, Path], walled: bool
) -> None:
    box, lab = places
    word = f"sleep 1{os.getpid()}{int(walled)}"
    script = f"(setsid {word} &); (setsid nohup {word} >/dev/null 2>&1 &); trap '' TERM; {word}"
    walls = SandboxPolicy(hidden=(lab,), writable=(box,)) if walled else None
    ended = shell(box, script, walls, ProcessLimits(1.0))
    assert ended.stopped == "time"
    assert ended.seconds < 30
    assert not command_runs(word)


@pytest.mark.parametrize("walled", [True, False])
def test_what_outlives_a_command_that_has_ended_is_ended(
    places: tuple[Path, Path], walled: bool
) -> None:
    box, lab = places
    word = f"sleep 2{os.getpid()}{int(walled)}"
    walls = SandboxPolicy(hidden=(lab,), writable=(box,)) if walled else None
    ended = shell(box, f"(setsid {word} >/dev/null 2>&1 &); echo done", walls)
    assert (ended.out, ended.code) == (b"done\n", 0)
    assert not command_runs(word)


def test_output_is_bounded(places: tuple[Path, Path]) -> None:
    ended = shell(places[0], "yes", limits=ProcessLimits(30, output=100_000))
    assert ended.stopped == "output"
    assert len(ended.out) == 100_000


def test_a_watch_sees_whole_lines_and_can_end_the_command(places: tuple[Path, Path]) -> None:
    seen: list[bytes] = []

    def watch(line: bytes) -> bool:
        seen.append(line)
        return line == b"dear"

    ended = run(["sh", "-c", "echo cheap; echo dear; sleep 60"], cwd=places[0], environment={},
                limits=PLENTY, watch=watch)  # fmt: skip
    assert (seen, ended.stopped) == ([b"cheap", b"dear"], "watch")


def test_a_command_that_is_not_there(places: tuple[Path, Path]) -> None:
    box, lab = places
    ended = run(["no-such-command"], cwd=box, environment={}, limits=PLENTY,
                walls=SandboxPolicy(hidden=(lab,), writable=(box,)))  # fmt: skip
    assert ended.code == 127
    assert b"no-such-command" in ended.err


REACH = """
import socket, sys
for host, port in (("localhost", {near}), ("127.0.0.1", {far})):
    try:
        line = socket.create_connection((host, port), 5)
        line.sendall(b"hi")
        print(line.recv(9).decode())
    except OSError:
        print("no way")
"""


def test_only_the_granted_address_can_be_reached(places: tuple[Path, Path]) -> None:
    box, lab = places
    with _echo() as near, _echo() as far:
        script = REACH.format(near=near.getsockname()[1], far=far.getsockname()[1])
        walls = SandboxPolicy(
            hidden=(lab,),
            visible=(Path(sys.prefix), Path(sys.base_prefix)),
            writable=(box,),
            network=(("127.0.0.1", near.getsockname()[1]),),
        )
        ended = run([sys.executable, "-c", script], cwd=box, environment={}, limits=PLENTY,
                    walls=walls)  # fmt: skip
        needs_walls(ended)
    assert ended.out.decode().split("\n")[:2] == ["hi", "no way"]


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
