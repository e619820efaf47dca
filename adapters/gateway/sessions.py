"""The port of the gateway: a line to its models for each run, and what its calls were."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from adapters.gateway.owner import Gateway
from adapters.gateway.records import CallRecord
from adapters.gateway.settings import RecordingsAt, Route
from adapters.gateway.texts import request_text
from prompt_lab.config.lab import GatewayConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.config.routing import GatewayRouting
from prompt_lab.own_process import GatewaySession, ModelUrl
from prompt_lab.records import WITHHELD, CallNote, RunKey

ANSWERED = 200
NOWHERE = "http://127.0.0.1:9"
"""The address of models that are not called. Port 9 discards."""
_PASSED = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH"}
_NETWORK = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}


class GatewaySessions:
    """own_process.ModelGateway in a process of its own, started by the first line.

    `addresses` are alias -> base URLs of servers of ours; relative `recordings` start at `home`.
    """

    def __init__(
        self,
        models: Sequence[ModelConfig],
        config: GatewayConfig,
        home: Path,
        *,
        addresses: Mapping[str, Sequence[str]],
        log: Path | None = None,
        routing: GatewayRouting | None = None,
    ) -> None:
        nowhere = (NOWHERE,) if config.mode == "replay" else ()
        self._models = {model.alias: model for model in models}
        self._gateway = Gateway(
            [_route(model, addresses.get(model.alias, nowhere)) for model in models],
            config.mode,
            RecordingsAt(path=home / config.recordings, by=config.by)
            if config.recordings
            else None,
            log=log,
            env=_environment(models),
            routing=routing,
        )
        self._lock = Lock()

    @contextmanager
    def line(
        self, run: RunKey, fallbacks: Sequence[str] = (), *, phase: str = ""
    ) -> Iterator[GatewaySession]:
        """A token for the run; its calls are read, and forgotten there, when the block ends."""
        with self._lock:
            gateway = self._gateway.start()
        token = gateway.issue(
            run.model,
            plan=run.plan,
            side=run.side,
            replicate=run.replicate,
            fallbacks=fallbacks,
            phase=phase,
        )
        urls = gateway.url(token)
        model = self._models[run.model]
        line = GatewaySession(
            (
                ModelUrl(
                    name=run.model,
                    base_url=urls.openai,
                    model=model.id,
                    anthropic=urls.anthropic,
                    ollama=urls.ollama,
                ),
            )
        )
        try:
            yield line
        finally:
            calls = gateway.end(token)
            line.calls = tuple(note_call(call, calls) for call in calls)
            line.requests = tuple(request_text(call.request) for call in calls)
            line.texts = "".join(call.model_dump_json() + "\n" for call in calls)

    def close(self) -> None:
        """End the process."""
        self._gateway.close()


def _route(model: ModelConfig, addresses: Sequence[str]) -> Route:
    """With what a request is given where it says nothing of it. No cache: answers are exact."""
    extra: dict[str, object] = dict(model.settings.extra)
    if model.settings.temperature is not None:
        extra.setdefault("temperature", model.settings.temperature)
    if model.provider == "embedded":
        extra["cache_prompt"] = False
    return Route(config=model, addresses=tuple(addresses), extra=extra)


def _environment(models: Sequence[ModelConfig]) -> dict[str, str]:
    """What the gateway needs to start and to reach its models, with the keys of these alone."""
    wanted = _PASSED | _NETWORK | {model.key_env for model in models}
    return {
        name: value
        for name, value in os.environ.items()
        if name in wanted or name.lower().endswith("_proxy")
    }


def _withheld(call: CallRecord, calls: Sequence[CallRecord]) -> str:
    """The finish of an answer that is none; '' where asking again gave one."""
    if call.finish not in WITHHELD or call.status != ANSWERED:
        return ""
    later = (one for one in calls if one.key == call.key and one.number > call.number)
    answered = any(one.answered_by and one.finish not in WITHHELD for one in later)
    return "" if answered else call.finish


def note_call(call: CallRecord, calls: Sequence[CallRecord]) -> CallNote:
    """What a run's record holds of one of its `calls`."""
    return CallNote(
        number=call.number,
        answered_by=call.answered_by,
        model_id=call.model_id,
        origin=call.origin,
        status=call.status,
        seconds=round(call.seconds, 3),
        seconds_elsewhere=round(call.seconds_elsewhere, 3),
        waited=round(call.waited, 3),
        retries=call.retries,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        counted=call.counted,
        cost_usd=call.cost,
        error=call.error,
        withheld=_withheld(call, calls),
    )
