"""Asks one model again and again while it sends too much. Prints how much memory that took.

`python -m tests.adapters.llm.hostile_caller ADDRESS`: in MB, beyond what one small call takes.
"""

import resource
import sys
from contextlib import suppress

from adapters.llm.wire import WireLlm
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError
from prompt_lab.ports import Request


def main(address: str) -> None:
    """Two calls, of which the first one sets what is normal: its server is not there."""
    _ask("http://127.0.0.1:9/v1")
    before = _peak()
    _ask(f"{address}/v1")
    print((_peak() - before) // 1024)


def _ask(address: str) -> None:
    config = ModelConfig(
        alias="m", provider="openai_like", id="x", base_url=address, deterministic=True
    )
    with suppress(LabError):
        WireLlm(config, pause=lambda _: None).ask(Request("s", "u"))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1])
