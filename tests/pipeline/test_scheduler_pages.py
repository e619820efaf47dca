"""`make scheduler`: a real luigid whose page can be read, and leads to the lab's own pages."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from luigi.rpc import RemoteScheduler

from pipeline.tasks.parameters import Batched
from pipeline.web.scheduler import serve_pages
from pipeline.wiring import lab_context
from tests.loopback import free_port
from tests.pipeline.luigid import SETTINGS
from tests.pipeline.world import REPOSITORY, World
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
START = "import sys; from pipeline.web.scheduler import main; sys.exit(main({}, {}))"


@contextmanager
def scheduler(world: World, luigid: int, pages: int) -> Iterator[None]:
    """`make scheduler` on these ports, until the end of the block."""
    code = START.format(luigid, pages)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **world.env},
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: process.poll() is not None or (listens(luigid) and listens(pages)))
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_SECONDS)


def listens(port: int) -> bool:
    """Whether a server answers there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def fetch(port: int, path: str) -> tuple[int, str]:
    """Status and text."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def tasks_of(port: int, status: str) -> list[dict[str, Any]]:
    """What luigid's page lists."""
    luigid: Any = RemoteScheduler(f"http://127.0.0.1:{port}")
    listed = luigid.task_list(status, "")
    return list(listed.values())


def test_luigid_s_page_can_be_read_and_leads_to_the_lab(make_world: Callable[..., World]) -> None:
    luigid, pages = free_port(), free_port()
    world = make_world(train=6, verify=6)
    with scheduler(world, luigid, pages):
        where = ("--number", "1", "--scheduler-port", str(luigid))
        with world.command("Iteration", *where, env=SETTINGS) as command:
            out, err = command.communicate(timeout=HANG_SECONDS)
        assert (command.returncode, "Iteration 1" in out) == (0, True), err
        done = tasks_of(luigid, "DONE")
        home = "http://127.0.0.1:8083/index.html"  # pages_url of configs/luigid.cfg
        ran = [task for task in done if task["name"] in ("Prepare", "Run", "Verdict")]
        # Luigi forgets the address of a task that a later one asks for again, and finds complete.
        assert {task["tracking_url"] for task in ran} - {None} == {home}
        assert {task["params"]["lab_id"].split()[0] for task in ran} == {
            "/".join(world.lab.parts[-2:])
        }
        batches = [t for t in done if t["name"] == "Run" and " (" in t["params"]["side"]]
        assert batches
        assert {task["tracking_url"] for task in batches} == {home}
        for params in (task["params"] for task in batches):
            assert params["side"].startswith(("baseline", "candidate"))
            assert " runs" in params["side"]
            assert params["plan"].split(" (")[0].split(", ")[0] in params["plan"]
            assert params["model"].split(" (")[0] == "exact"
        (world.lab / "index.html").unlink()
        status, page = fetch(pages, "/")
        assert (status, "Iteration" in page or "analysis/1_read_sum" in page) == (200, True)
        assert fetch(pages, "/analysis/1_read_sum/report.html")[0] == 200
        for closed in ("/baseline/", "/analysis/../baseline/", "/work/.lab-id.json"):
            assert fetch(pages, closed)[0] == 404, closed


def test_figures_of_sealed_plans_are_no_page(make_world: Callable[..., World]) -> None:
    """Neither those of a verdict before they are revealed, nor ever those of a re-test."""
    world = make_world(train=1, verify=1)
    folder = world.lab / "analysis/9_read_sum"
    folder.mkdir(parents=True)
    for name in ("sealed_verdict.json", "runs_verify.json", "sealed_retest_1.json", "shown.json"):
        (folder / name).write_text("{}")
    (world.lab / "noise_floor").mkdir()
    (world.lab / "noise_floor/read_sum.html").write_text("floor")
    server = serve_pages(lab_context(), 0)
    try:
        port = server.server_address[1]
        for name in ("sealed_verdict.json", "runs_verify.json", "%73ealed_verdict.json"):
            assert fetch(port, f"/analysis/9_read_sum/{name}")[0] == 404, name
        assert fetch(port, "/analysis/9_read_sum/shown.json") == (200, "{}")
        assert fetch(port, "/noise_floor/read_sum.html") == (200, "floor")
        (folder / "revealed.json").write_text("{}")
        assert fetch(port, "/analysis/9_read_sum/sealed_verdict.json") == (200, "{}")
        assert fetch(port, "/analysis/9_read_sum/sealed_retest_1.json")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def test_batches_that_differ_have_names_that_differ() -> None:
    """Luigi knows tasks by the text of their parameters."""
    shown = Batched("x").serialize
    one, other = ("baseline", "candidate"), ("candidate", "baseline")
    assert len({shown("a"), shown(("a",)), shown(("a", "a")), shown(one), shown(other)}) == 5
    assert len(shown(tuple(f"plan_{n:05}" for n in range(10_000)))) < 80
