"""What routing adds to a call of the gateway: 200 routed calls a second, some beside a plain one.

`python -m tests.bench.routing [calls a second] [seconds]`. Calls begin at fixed times, whether or
not earlier ones have ended. A routed call asks for a model that the lab's table keeps from the
phase; its fallback answers. Added = the median difference of the two calls that begin together.
"""

import asyncio
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp

from adapters.gateway.owner import Gateway
from adapters.gateway.records import RunId
from adapters.gateway.routing import CallRouter
from adapters.gateway.settings import Route
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule, write_routing
from prompt_lab.config.models import ModelConfig
from prompt_lab.config.routing import GatewayRouting, RoutingSwitches
from prompt_lab.names import Side
from prompt_lab.store.layout import Lab
from tests.bench.stand_in import started

MOST_MS = 0.3
BODY = {"model": "x", "messages": [{"role": "user", "content": "Extract the amount."}]}
DECISIONS = 100_000
EVERY = 4
"""Of so many routed calls one begins together with a plain one."""


def main(per_second: int, seconds: int) -> None:
    """Measure and print."""
    stand_in, address = started(0.0)
    with TemporaryDirectory() as folder, _gateway(address, Lab(Path(folder))) as gateway:
        tokens = [
            gateway.issue("small", plan="bench", side=Side.BASELINE, replicate=0, phase=phase)
            for phase in ("", "extended")
        ]
        urls = [f"{gateway.url(token).openai}/chat/completions" for token in tokens]
        asyncio.run(_measure(urls, per_second, 1))  # the connections are opened
        plain, routed = asyncio.run(_measure(urls, per_second, seconds))
        answered = gateway.usage(tokens[1]).answered_by
        own = _decision_time(Lab(Path(folder)))
    stand_in.kill()
    assert answered == {"large": per_second * (seconds + 1)}, answered
    print(
        f"{per_second} routed calls a second for {seconds} s, every {EVERY}th beside a plain one\n"
    )
    for name, times in (("plain", plain), ("routed", routed)):
        every = sorted(times)
        print(f"{name:>7}: median {median(every):.2f} ms, p95 {every[int(len(every) * 0.95)]:.2f}")
    added = median(two - one for one, two in zip(plain, routed[::EVERY], strict=True))
    print(f"\nrouting adds in the median per call: {added:+.2f} ms (at most {MOST_MS} is asked);")
    print(f"the decision alone takes {own * 1000:.2f} microseconds")


async def _measure(urls: list[str], per_second: int, seconds: int) -> list[list[float]]:
    """Milliseconds of each call by URL, in the order in which they began."""
    times: list[list[float]] = [[] for _ in urls]
    async with aiohttp.ClientSession() as session:
        begun = time.perf_counter()

        async def call(number: int, which: int) -> None:
            at = time.perf_counter()
            async with session.post(urls[which], json=BODY) as response:
                response.raise_for_status()
                await response.read()
            times[which][number] = (time.perf_counter() - at) * 1000

        calls = []
        for number in range(per_second * seconds):
            await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            turn = (1,) if number % EVERY else (0, 1) if number % (2 * EVERY) else (1, 0)
            for which in turn:
                times[which].append(0.0)
                calls.append(asyncio.create_task(call(len(times[which]) - 1, which)))
        await asyncio.gather(*calls)
    return times


def _decision_time(lab: Lab) -> float:
    """Milliseconds of one decision in the gateway's own code."""
    routing = GatewayRouting(lab=lab.root, switches=RoutingSwitches())
    routes = {alias: _route("http://x/v1", alias) for alias in ("small", "large")}
    run = RunId(models=("small",), plan="p", side=Side.BASELINE, replicate=0, phase="extended")

    async def decide() -> float:
        router = CallRouter(routing, routes)
        begun = time.perf_counter()
        for _ in range(DECISIONS):
            router.models_for(run)
        return (time.perf_counter() - begun) * 1000 / DECISIONS

    return asyncio.run(decide())


def _route(address: str, alias: str) -> Route:
    config = ModelConfig(
        alias=alias,
        provider="openai_like",
        id=alias,
        base_url=address,
        deterministic=True,
        workers=64,
    )
    return Route(config=config)


def _gateway(address: str, lab: Lab) -> Gateway:
    rule = RoutingRule(model="small", phase="extended", allow=False, fallback_model="large")
    write_routing(lab, RoutingConfig(rules=(rule,)))
    routing = GatewayRouting(lab=lab.root, switches=RoutingSwitches())
    routes = [_route(address, alias) for alias in ("small", "large")]
    return Gateway(routes, log=lab.root / "calls.jsonl", routing=routing)


if __name__ == "__main__":
    numbers = [int(n) for n in sys.argv[1:]] or [200, 10]
    main(numbers[0], numbers[1])
