"""A pool of calls: never more than its places, and no place is held by a call that waits."""

import threading
from concurrent.futures import wait
from functools import partial

import pytest

from prompt_lab.ports.call_pool import MOST_WAITING, CallPool, pause_call

TIMEOUT = 20.0


def wait_for(event: threading.Event, _: float) -> None:
    """A pause that ends when the test says so."""
    event.wait(TIMEOUT)


class InFlight:
    """Counts the pieces of work that are under way."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def test_work_is_begun_in_order_and_no_more_at_a_time_than_places() -> None:
    pool, begun, flight = CallPool[int](3, "test"), list[int](), InFlight()

    def work(number: int) -> int:
        with flight:
            begun.append(number)
            threading.Event().wait(0.001)
            return number

    futures = [pool.submit(partial(work, n)) for n in range(60)]
    assert [future.result(TIMEOUT) for future in futures] == list(range(60))
    pool.close()
    assert flight.most == 3
    assert all(abs(number - at) < 3 for at, number in enumerate(begun))


def test_calls_that_wait_for_their_retry_leave_all_places_to_others() -> None:
    """Four of four calls pause: four others are in flight together meanwhile."""
    over, together = threading.Event(), threading.Barrier(4, timeout=TIMEOUT)
    pool = CallPool[str](4, "test", pause=partial(wait_for, over))
    flight = InFlight()

    def pauses() -> str:
        pause_call(1.0)
        with flight:
            return "answered"

    def answers() -> str:
        with flight:
            together.wait()
            return "answered"

    paused = [pool.submit(pauses) for _ in range(4)]
    others = [pool.submit(answers) for _ in range(8)]
    assert [one.result(TIMEOUT) for one in others] == ["answered"] * 8
    assert not any(one.done() for one in paused)
    over.set()
    assert [one.result(TIMEOUT) for one in paused] == ["answered"] * 4
    pool.close()
    assert flight.most == 4


def test_a_call_that_returns_is_before_all_that_wait() -> None:
    pausing, over = threading.Event(), threading.Event()

    def pause(_: float) -> None:
        pausing.set()
        over.wait(TIMEOUT)

    pool, order = CallPool[None](1, "test", pause=pause), list[str]()
    leaving = threading.Event()

    def first() -> None:
        pause_call(1.0)
        order.append("first")

    def second() -> None:
        pausing.wait(TIMEOUT)
        over.set()
        leaving.wait(0.05)  # the first returns meanwhile, and waits for the place
        order.append("second")

    futures = [pool.submit(first), pool.submit(second)]
    futures += [pool.submit(lambda: order.append("later")) for _ in range(5)]
    wait(futures, TIMEOUT)
    pool.close()
    assert order == ["second", "first", *["later"] * 5]


def test_more_sleepers_than_threads_allow_keep_their_places() -> None:
    over = threading.Event()
    pool = CallPool[None](2, "test", pause=partial(wait_for, over))
    futures = [pool.submit(lambda: pause_call(1.0)) for _ in range(MOST_WAITING + 10)]
    for future in futures[: MOST_WAITING + 2]:
        while not future.running():
            threading.Event().wait(0.001)
    assert not any(future.running() for future in futures[MOST_WAITING + 2 :])
    over.set()
    assert not wait(futures, TIMEOUT).not_done
    pool.close()


def test_an_exception_is_raised_for_who_asks_for_the_result() -> None:
    def fail() -> None:
        raise ValueError("no answer")

    pool = CallPool[None](1, "test")
    with pytest.raises(ValueError, match="no answer"):
        pool.submit(fail).result(TIMEOUT)
    assert pool.submit(lambda: None).result(TIMEOUT) is None
    pool.close()


def test_close_drops_what_waits_and_completes_what_has_begun() -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        over.wait(TIMEOUT)
        return "done"

    pool = CallPool[str](1, "test")
    running, dropped = pool.submit(work), pool.submit(work)
    assert begun.wait(TIMEOUT)
    pool.close()
    assert dropped.cancelled()
    over.set()
    assert running.result(TIMEOUT) == "done"


def test_outside_a_pool_it_sleeps() -> None:
    pause_call(0.0)
