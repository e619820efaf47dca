"""The lock with pid and start time, and what is due for a warm-up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prompt_lab.benchmark.harness_config import HarnessConfig, WarmUpConfig, merge_layers
from prompt_lab.benchmark.harness_lock import (
    LockHolder,
    hold_harness,
    is_stale,
    keep_harness,
    process_start,
    release_harness,
)
from prompt_lab.benchmark.warm_up import is_due
from prompt_lab.errors import ConfigError, LabBusy
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab

NOW = "2026-01-01"


def test_a_second_holder_is_refused_with_the_first_named(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with (
        hold_harness(lab, "a loop", now=NOW),
        pytest.raises(LabBusy, match=f"pid {os.getpid()} holds it since 2026-01-01 for a loop"),
        hold_harness(lab, "another", now=NOW),
    ):
        pass
    with hold_harness(lab, "again", now=NOW):
        assert (tmp_path / "benchmarks/harness.lock").exists()
    assert not (tmp_path / "benchmarks/harness.lock").exists()


def test_a_stale_lock_is_taken_over_also_where_its_pid_was_given_again(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid, started in ((ended.pid, "1"), (os.getpid(), "1")):
        holder = LockHolder(pid=pid, started=started, since="2020", purpose="killed")
        assert is_stale(holder)
        write_record(tmp_path / "benchmarks/harness.lock", holder)
        with hold_harness(Lab(tmp_path), "mine", now=NOW):
            pass


def test_a_loop_keeps_the_lock_until_it_lets_go(tmp_path: Path) -> None:
    lab, path = Lab(tmp_path), tmp_path / "benchmarks/harness.lock"
    keep_harness(lab, "a loop", now=NOW)
    keep_harness(lab, "the same loop, started again by luigi", now=NOW)
    with pytest.raises(LabBusy, match="for a loop"), hold_harness(lab, "config set", now=NOW):
        pass
    release_harness(lab)
    assert not path.exists()
    write_record(path, LockHolder(pid=os.getpid(), started="1", since="2020", purpose="killed"))
    keep_harness(lab, "a loop", now=NOW)
    assert read_record(path, LockHolder).purpose == "a loop"
    release_harness(lab)


def test_this_process_is_alive() -> None:
    start = process_start(os.getpid()) or ""
    assert not is_stale(LockHolder(pid=os.getpid(), started=start, since="", purpose=""))


def test_a_warm_up_is_due_at_first_and_after_the_keep_alive() -> None:
    config = WarmUpConfig(keep_alive_seconds=300, keep_alive_of={"own": 60})
    assert is_due(None, "m", config)
    assert not is_due(300.0, "m", config)
    assert is_due(301.0, "m", config)
    assert is_due(61.0, "own", config)


def test_layers_are_validated() -> None:
    found = merge_layers(HarnessConfig(), {"gates": {"recent_runs": 4}})
    assert (found.gates.recent_runs, found.gates.extended_phase_min_accuracy) == (4, 0.30)
    with pytest.raises(ConfigError, match=r"gates\.recent_runs"):
        merge_layers(HarnessConfig(), {"gates": {"recent_runs": "many"}})
    with pytest.raises(ConfigError, match="warmup"):
        merge_layers(HarnessConfig(), {"warmup": {}})
