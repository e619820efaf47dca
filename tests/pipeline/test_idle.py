"""The sentence with which a process of a luigid ends that has nothing to do."""

import os
import socket

from pipeline.tasks.idle import OtherProcess, idle_sentence

DELAY = 30.0


def test_the_sentence_says_who_is_at_work_and_when_to_give_the_command_again() -> None:
    alive = OtherProcess(socket.gethostname(), os.getpid(), 4.2, {"Run": 8, "Runs": 1})
    said = idle_sentence([alive], complete=False, delay=DELAY)
    assert f"process {os.getpid()} on {socket.gethostname()} is at work on 8 Runs, Runs" in said
    assert "last heard of 4 seconds ago" in said
    assert "if that process has died, 27 seconds from now" in said


def test_a_process_that_is_gone_is_waited_for_until_luigid_knows_it() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    gone = OtherProcess(socket.gethostname(), child, 12.0, {"Verdict": 1})
    said = idle_sentence([gone], complete=False, delay=DELAY)
    assert f"process {child} on" in said
    assert "hands out again in 19 seconds: run the same command again then" in said
    elsewhere = OtherProcess("another-machine", child, 12.0, {"Verdict": 1})
    assert "19 seconds from now" in idle_sentence([elsewhere], complete=False, delay=DELAY)


def test_where_no_other_process_is_known_the_command_may_be_given_again_now() -> None:
    said = idle_sentence([], complete=False, delay=DELAY)
    assert "run the same command again now" in said
    assert "has finished this task" in idle_sentence([], complete=True, delay=DELAY)
