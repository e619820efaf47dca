"""One measurement in a process of its own: `child dag|bare FOLDER RUNS PLACES BASE_URL`."""

import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.pipeline.world import SCHEMA, World


def main(kind: str, folder: Path, runs: int, places: int, address: str) -> dict[str, float]:
    """Seconds of wall time and CPU, without the start of the process and without making the lab."""
    world = _world(folder, runs, places, address)
    os.environ.update(world.env)
    work = _dag if kind == "dag" else _bare
    todo = work(runs)
    begun, spent = time.perf_counter(), _cpu()
    todo()
    return {"seconds": time.perf_counter() - begun, "cpu": _cpu() - spent}


def _dag(runs: int) -> Any:
    """The whole of luigi: schedule, batch, run, write every run's files."""
    import luigi  # noqa: PLC0415

    from pipeline.tasks.iteration import Scout  # noqa: PLC0415
    from pipeline.wiring import lab_context  # noqa: PLC0415
    from prompt_lab.store.files import read_rows  # noqa: PLC0415
    from prompt_lab.store.layout import Lab  # noqa: PLC0415

    _warm(lab_context())

    def run() -> None:
        assert luigi.build([Scout(number=1)], local_scheduler=True, log_level="ERROR")
        made = len(read_rows(Lab(Path(os.environ["PROMPTLAB_ROOT"])).reusable))
        assert made == runs, made

    return run


def _bare(runs: int) -> Any:
    """The same calls on a thread pool, and nothing else."""
    from pipeline.wiring import lab_context  # noqa: PLC0415
    from prompt_lab.ports import Request  # noqa: PLC0415

    ctx = lab_context()
    llm = _warm(ctx)
    request = Request("Extract the amount.", "Invoice 1 of 2.50 euros.", SCHEMA, 64)

    def run() -> None:
        with ThreadPoolExecutor(ctx.models["stand-in"].workers) as pool:
            list(pool.map(lambda _: llm.ask(request), range(runs)))

    return run


def _warm(ctx: Any) -> Any:
    """One call, so that imports and the first connection are not measured."""
    from prompt_lab.ports import Request  # noqa: PLC0415

    llm = ctx.llm("stand-in")
    llm.ask(Request("Warm up.", "Say 1.", None, 8))
    return llm


def _world(folder: Path, runs: int, places: int, address: str) -> World:
    model = {
        "provider": "openai_like",
        "id": "stand-in",
        "base_url": address,
        "deterministic": True,
        "workers": places,
    }
    world = World(
        folder / "world",
        models={"stand-in": model},
        train=runs,
        verify=1,
        scout=runs,
        policy={"max_plans": runs},
    )
    return world if world.lab.exists() else world.make()


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


if __name__ == "__main__":
    kind, folder, runs, places, address = sys.argv[1:]
    print(json.dumps(main(kind, Path(folder), int(runs), int(places), address)))
