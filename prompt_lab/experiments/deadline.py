"""A time limit for the model calls of a step in our own process."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from prompt_lab.errors import TimeUp
from prompt_lab.ports import Answer, Ask, Request


def within(seconds: float, ask: Ask) -> Ask:
    """The same function, limited to this many seconds from now; then it raises TimeUp.

    It does not wait for a running call, which ends by its own time limit.
    """
    end = time.monotonic() + seconds

    def asked(request: Request) -> Answer:
        left = end - time.monotonic()
        box: SimpleQueue[Callable[[], Answer]] = SimpleQueue()
        if left > 0:
            Thread(target=_answer_into, args=(box, ask, request), daemon=True).start()
        try:
            return box.get(timeout=max(0.0, left))()
        except Empty:
            raise TimeUp(f"the plan was not done in its {seconds:g} seconds") from None

    return asked


def _answer_into(box: SimpleQueue[Callable[[], Answer]], ask: Ask, request: Request) -> None:
    try:
        answer = ask(request)
    except BaseException as error:  # the thread that waits for it raises it
        box.put(_raising(error))
    else:
        box.put(lambda: answer)


def _raising(error: BaseException) -> Callable[[], Answer]:
    def again() -> Answer:
        raise error

    return again
