"""/api/v1/promptops: the contract API for programs in other processes, docs/promptops_contract.md.

Plain routes of Starlette: a program waits for `prepare` before each of its calls, and FastAPI's
dependencies would cost it half of that time.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from pipeline.web.context import WebContext, find_session, get_context, require_reader
from prompt_lab.json_limits import parse_json
from prompt_lab.promptops.records import CONTRACT_VERSION

MOST_OUTCOMES: Final = 1000
"""Of one request."""
_LARGE_BYTES: Final = 256 * 1024
router = APIRouter()
Answer = Callable[[WebContext, Mapping[str, Any]], dict[str, Any]]


def prepare_prompt(context: WebContext, body: Mapping[str, Any]) -> dict[str, Any]:
    """{task_class, raw_prompt, context?} -> the fields of PromptPrepared."""
    raw = body.get("raw_prompt")
    if not isinstance(raw, str | list):
        raise HTTPException(422, "'raw_prompt' must be a text or a list of messages.")
    prompt = raw if isinstance(raw, str) else tuple(raw)
    prepared = context.promptops.prepare(_read_class(body), prompt, _read_context(body))
    return dict(prepared)  # all of it is JSON already


def record_outcomes(context: WebContext, body: Mapping[str, Any]) -> dict[str, Any]:
    """{outcomes: [{trace, facts}]} -> {accepted}: they are written within a second."""
    outcomes = body.get("outcomes")
    if not isinstance(outcomes, list) or len(outcomes) > MOST_OUTCOMES:
        raise HTTPException(422, f"'outcomes' must be a list of at most {MOST_OUTCOMES}.")
    for one in outcomes:
        if not isinstance(one, dict) or not isinstance(one.get("trace"), str):
            raise HTTPException(422, "Each of 'outcomes' must be an object with a text 'trace'.")
        if not isinstance(one.get("facts", {}), dict):
            raise HTTPException(422, "'facts' of an outcome must be an object.")
    for one in outcomes:
        facts = {k: v for k, v in one.get("facts", {}).items() if k not in ("trace", "self")}
        context.promptops.record_outcome(one["trace"], **facts)
    return {"contract": CONTRACT_VERSION, "accepted": len(outcomes)}


def recommend_template(context: WebContext, body: Mapping[str, Any]) -> dict[str, Any]:
    """{task_class, context?} -> {recommendation}: the fields of TemplateRecommendation, or null."""
    found = context.promptops.recommend_template(_read_class(body), _read_context(body))
    shown = found.model_dump(mode="json") if found else None
    return {"contract": CONTRACT_VERSION, "recommendation": shown}


def _read_class(body: Mapping[str, Any]) -> str:
    task_class = body.get("task_class")
    if not isinstance(task_class, str):
        raise HTTPException(422, "'task_class' must be a text.")
    return task_class


def _read_context(body: Mapping[str, Any]) -> dict[str, Any]:
    context = body.get("context", {})
    if not isinstance(context, dict):
        raise HTTPException(422, "'context' must be an object.")
    return context


def _serve(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        context = await get_context(request)
        if not context.settings.open_reading:
            await require_reader(request, context, await find_session(request, context))
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            # Any page may send other types to a server on loopback; this one a browser asks for.
            raise HTTPException(415, "Send the body as Content-Type: application/json.")
        try:
            data = await request.body()
            body = parse_json(data.decode("utf-8"))
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise HTTPException(400, "The body must be an object of JSON.")
        # What takes long, the first read of the prompts or images, must not make others wait.
        if context.has_promptops and len(data) < _LARGE_BYTES:
            found = json.dumps(answer(context, body))
        else:
            found = await run_in_threadpool(lambda: json.dumps(answer(context, body)))
        return Response(found, media_type="application/json")

    return handle


for _path, _answer in (
    ("prepare", prepare_prompt),
    ("outcome", record_outcomes),
    ("recommend", recommend_template),
):
    router.add_route(f"/api/v1/promptops/{_path}", _serve(_answer), methods=["POST"])
