"""An owner of a gateway, to be ended in several ways. `python -m … end|wait|orphan|fork`."""

import json
import os
import sys
import time
from typing import Any

from adapters.gateway.owner import Gateway
from adapters.gateway.settings import Route
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Side


def say(**what: Any) -> None:
    """One line, at once."""
    os.write(1, (json.dumps(what) + "\n").encode())


def main(wish: str) -> None:
    """end: leave without closing; wait: sleep; orphan: leave a fork behind; fork: use it in one."""
    config = ModelConfig(
        alias="first", provider="openai_like", id="x", base_url="http://x/v1", deterministic=True
    )
    gateway = Gateway([Route(config=config)]).start()
    say(pid=gateway.pid)
    if wish == "wait":
        time.sleep(60)
    if wish in ("orphan", "fork"):
        child = os.fork()
        if child == 0 and wish == "orphan":
            time.sleep(60)
        if child == 0:
            token = gateway.issue("first", plan="p", side=Side.BASELINE, replicate=0)
            gateway.close()
            say(calls=gateway.usage(token).calls)
            os._exit(0)
        say(child=child)
        if wish == "orphan":
            time.sleep(60)
        os.waitpid(child, 0)
        token = gateway.issue("first", plan="p", side=Side.BASELINE, replicate=0)
        say(calls=gateway.usage(token).calls)


if __name__ == "__main__":
    main(sys.argv[1])
