"""What no command may do behind walls, even as root: settings, disks, services, too much of all."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.isolation.command_limits import NO_MEMORY_BOUND
from adapters.isolation.policy import SandboxPolicy
from adapters.isolation.processes import ProcessLimits, ProcessResult, run
from tests.adapters.walls.behind import PLENTY, needs_walls, shell
from tests.processes import command_runs

pytestmark = pytest.mark.slow
TRY = """
import os, sys
for path in sys.argv[1:]:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
        print("opened", path)
    except OSError:
        print("refused")
"""


def test_a_root_without_rights_writes_no_setting_of_the_machine(
    places: tuple[Path, Path],
) -> None:
    """Files of /proc and /sys obey their owner, who is root, whatever capability is gone."""
    settings = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj",
                "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup/new"]  # fmt: skip
    ended = attempts(places, *settings)
    assert ended.out.split() == [b"refused"] * len(settings)


def test_no_disk_can_be_opened_and_no_device_made(places: tuple[Path, Path]) -> None:
    box, lab = places
    node = box / "node"
    listed = shell(box, f"ls /dev; mknod {node} b 7 0; echo x > /dev/null && echo y > /dev/shm/z",
                   SandboxPolicy(hidden=(lab,), writable=(box,)))  # fmt: skip
    needs_walls(listed)
    allowed = b"fd full null random shm stderr stdin stdout urandom zero"
    assert listed.out.split() == allowed.split()
    assert not node.exists()
    assert b"/dev" not in listed.err
    if os.geteuid() == 0:  # a device that lies in the copy already opens nothing either
        os.mknod(node, 0o60666, os.makedev(7, 0))
        assert attempts(places, str(node)).out == b"refused\n"


def test_a_hidden_file_cannot_be_read_where_its_folder_can(places: tuple[Path, Path]) -> None:
    box, lab = places
    for name in ("gold", "other"):
        (lab / name).write_text(f"the {name}\n")
    walls = SandboxPolicy(hidden=(lab / "gold",), visible=(lab,), writable=(box,))
    ended = shell(box, f"cat {lab}/gold {lab}/other; rm {lab}/gold; umount {lab}/gold", walls)
    needs_walls(ended)
    assert ended.out == b"the other\n"
    assert (lab / "gold").read_text() == "the gold\n"


def test_services_of_the_machine_and_homes_are_not_there(places: tuple[Path, Path]) -> None:
    box, lab = places
    look = "find /run /home /root -mindepth 1; echo seen"
    ended = shell(box, look, SandboxPolicy(hidden=(lab,), writable=(box,)))
    needs_walls(ended)
    assert ended.out == b"seen\n"
    strays = attempts(places, "/run/stray", "/home/stray", "/root/stray", "/dev/stray", "/tmp/own")
    assert strays.out == b"refused\n" * 4 + b"opened /tmp/own\n"


def attempts(places: tuple[Path, Path], *paths: str) -> ProcessResult:
    """Behind walls, open each of the paths to write."""
    box, lab = places
    walls = SandboxPolicy((lab,), (Path(sys.prefix), Path(sys.base_prefix)), (box,))
    ended = run([sys.executable, "-I", "-c", TRY, *paths], cwd=box, environment={}, limits=PLENTY,
                walls=walls)  # fmt: skip
    needs_walls(ended)
    return ended


GREEDY = "x = [bytearray(1 << 20) for _ in range(2000)]; import time; time.sleep(60)"
FORKS = "import os, time\nfor _ in range(300): os.fork() or time.sleep(60)\ntime.sleep(60)"


@pytest.mark.parametrize(("code", "why"), [(GREEDY, "memory"), (FORKS, "processes")])
def test_memory_and_processes_are_bounded_for_all_together(
    places: tuple[Path, Path], code: str, why: str
) -> None:
    box, lab = places
    if why == "memory" and NO_MEMORY_BOUND in shell(box, "true", SandboxPolicy()).unbound:
        pytest.skip(NO_MEMORY_BOUND)
    walls = SandboxPolicy((lab,), (Path(sys.prefix), Path(sys.base_prefix)), (box,))
    limits = ProcessLimits(30, memory_mb=256, processes=50)
    ended = run([sys.executable, "-I", "-c", code], cwd=box, environment={}, limits=limits,
                walls=walls)  # fmt: skip
    assert ended.stopped == why
    assert ended.seconds < 20
    assert not command_runs(f"{sys.executable} -I -c {code}")


def test_several_at_once_are_bounded_each_and_leave_no_group(places: tuple[Path, Path]) -> None:
    box, lab = places
    walls = SandboxPolicy((lab,), writable=(box,))
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: shell(box, "sleep 0.3; echo a", walls), range(3)))
    assert [ended.out for ended in found] == [b"a\n"] * 3
    assert len({ended.unbound for ended in found}) == 1
    assert not list(Path("/sys/fs/cgroup").glob(f"**/prompt-lab-*-{os.getpid()}"))


def test_what_root_alone_may_read_of_the_machine_holds_nothing(places: tuple[Path, Path]) -> None:
    box, lab = places
    secrets = ["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/shadow-"]
    assert any(Path(path).exists() for path in secrets)
    look = f"cat {' '.join(secrets)} /etc/ssh/*_key; ls /etc/ssl/private /etc/sudoers.d; true"
    ended = shell(box, look, SandboxPolicy(hidden=(lab,), writable=(box,)))
    needs_walls(ended)
    listed = ended.out.replace(b"/etc/ssl/private:", b"").replace(b"/etc/sudoers.d:", b"")
    assert listed.strip() == b""
