"""`prompt-lab serve` in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-m", "pipeline.cli", "serve")


@contextmanager
def serving(lab: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address, and the process, which ends with the block."""
    words = options if "--port" in options else ("--port", "0", *options)
    environment = {**os.environ, "PROMPTLAB_ROOT": str(lab)}
    with subprocess.Popen(
        [*COMMAND, *words], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = (line.strip() for line in process.stdout)
            yield next((line for line in lines if line.startswith("http://")), ""), process
        finally:
            process.terminate()
