"""Attacks that once succeeded, each whole: the task's record is the honest one."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sandbox.sandboxed import needs_sandbox
from tests.pipeline.task.task_world import BASE, World

pytestmark = [pytest.mark.slow, needs_sandbox]
FORGES = """
import json, os, struct
said = json.dumps({"exit-code": 0, "score": 1000000, "id": 1, "code": 0, "out": '{"score": 99}'})
for pid in [p for p in os.listdir("/proc") if p.isdigit()] + ["self"]:
    for fd in range(0 if pid == "1" else 3, 64):
        for data in (said.encode() + b"\\n", struct.pack(">Q", len(said)) + said.encode()):
            try:
                os.write(os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK), data * 40)
            except OSError:
                pass
"""
WORSE = 'open("t/artifact.md", "w").write("bad\\n")\n'


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, "reported")


def test_1_a_candidate_does_not_forge_its_score_nor_that_of_a_later_one(
    world: World, tmp_path: Path, capsys: Any
) -> None:
    world.write("t/mutate.py", WORSE + FORGES)
    world.write("t/run.py", FORGES)
    world.change({"runner": {"command": "python t/run.py"}})
    record = world.run(capsys)
    assert (record["status"], record["candidate_score"], record["baseline_score"]) == (
        "discard",
        0.0,
        0.01,
    )
    honest = World(tmp_path / "other", "honest").run(capsys)
    assert (honest["status"], honest["candidate_score"], honest["baseline_score"]) == (
        "keep",
        0.03,
        0.01,
    )


def test_2_no_descriptor_leads_behind_what_is_hidden(world: World, capsys: Any) -> None:
    secret = world.write("work/secret.txt", "gold behind\n")
    world.write(
        "t/mutate.py",
        f"""
import os
found = []
for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
    for way in [f"fd/{{n}}" for n in range(64)] + ["root", "cwd"]:
        for up in ("", "/.." * 3, "/.." * 9):
            try:
                found.append(open(f"/proc/{{pid}}/{{way}}{{up}}{secret}").read())
            except OSError:
                pass
open("t/artifact.md", "a").write("good good" + "".join(found))
""",
    )
    record = world.run(capsys)
    assert record["status"] == "keep"
    assert (world.root / "t/artifact.md").read_text() == "good\ngood good"


def test_3_more_processes_and_memory_than_granted_are_not_to_be_had(
    world: World, capsys: Any
) -> None:
    world.write(
        "t/mutate.py",
        """
import ctypes, os, time
assert ctypes.CDLL(None).unshare(0x10000000) == -1
for _ in range(120):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
""",
    )
    record = world.run(capsys)
    # The kernel refuses the process too many, upon which the program fails or is ended.
    assert (record["status"], record["reason"]) in (
        ("crash", "process_limit"), ("crash", "mutator_failed"),
    )  # fmt: skip
    assert world.left() == []


def test_4_sockets_and_pipes_of_the_machine_are_out_of_reach(
    world: World, tmp_path: Path, capsys: Any
) -> None:
    os.mkfifo(tmp_path / "fifo", 0o666)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        world.write(
            "t/mutate.py",
            f"""
import ctypes, os, socket
def refused(action):
    try:
        action()
    except OSError:
        return True
assert refused(lambda: socket.socket(socket.AF_UNIX).connect("{tmp_path}/socket"))
assert refused(lambda: os.open("{tmp_path}/fifo", os.O_RDWR | os.O_NONBLOCK))
assert ctypes.CDLL(None).syscall(250, 0, -3, 0) < 0
open("t/artifact.md", "a").write("good good")
""",
        )
        record = world.run(capsys)
    assert record["status"] == "keep", record["detail"]


def test_7_folders_nested_3000_deep_and_a_sparse_candidate_harm_no_campaign(
    world: World, tmp_path: Path, capsys: Any
) -> None:
    world.write(
        "t/mutate.py",
        """
import os
for _ in range(3000):
    os.mkdir("d"); os.chdir("d")
""",
    )
    record = world.run(capsys)
    assert record["status"] in ("crash", "discard")
    mine = tmp_path / "mine"
    (mine / "t").mkdir(parents=True)
    with (mine / "t/artifact.md").open("wb") as file:
        file.truncate(1 << 30)
    record = world.run(capsys, candidate=str(mine))
    assert record["status"] in ("crash", "discard")
    copies = [p for p in (world.root / "work").rglob("*") if p.is_file()]
    assert max(p.stat().st_size for p in copies) < 1 << 20
    world.write("t/mutate.py", 'open("t/artifact.md", "a").write("good good")')
    assert world.run(capsys)["status"] == "keep"


def test_9_a_foreign_task_cannot_turn_its_sandbox_off(world: World, capsys: Any) -> None:
    world.write("t/score.py", BASE + "import os\nassert not os.path.exists('/root/.ssh')\n")
    for setting in ({"jail": "off"}, {"jail": False}):
        world.change(setting)
        record = world.run(capsys)
        assert not any("no sandbox" in word for word in record["unenforced"])
    assert "sandbox" not in json.dumps(world.told)
