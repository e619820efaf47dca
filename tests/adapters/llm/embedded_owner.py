"""An owner of embedded servers, to be ended in several ways. `python -m … <what to do>`.

Prints the process ids of its servers as JSON, one line for itself and one for its fork.
"""

import json
import os
import sys
import time
from typing import Any
from urllib.request import urlopen

from adapters.llm.embedded_pool import shared_pool


def ask() -> str:
    """What a server of this process says, without the imports that a real call needs."""
    with shared_pool().lease() as (server, _), urlopen(f"{server.address}/health") as answer:
        return str(json.load(answer)["status"])


def say(**what: Any) -> None:
    """One line, at once."""
    os.write(1, (json.dumps(what) + "\n").encode())


def main(wish: str) -> None:
    """end: leave; wait: sleep; fork: ask in a fork, then again; orphan: leave a fork behind."""
    text = ask()
    say(pids=shared_pool().pids(), text=text)
    if wish == "wait":
        time.sleep(60)
    if wish in ("fork", "orphan"):
        child = os.fork()
        if child == 0:
            if wish == "orphan":
                time.sleep(60)
            text = ask()
            say(pids=shared_pool().pids(), text=text)
            os._exit(0)
        say(child=child)
        if wish == "orphan":
            time.sleep(60)
        os.waitpid(child, 0)
        say(pids=shared_pool().pids(), text=ask())


if __name__ == "__main__":
    main(sys.argv[1])
