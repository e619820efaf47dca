"""/api/v1: prompts by id and label, and the events of pointer changes. /ofrep/v1: OpenFeature."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from pipeline.web.context import (
    Context,
    WebContext,
    find_session,
    get_context,
    require_reader,
)
from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.prompts.snapshots import PRODUCTION
from prompt_lab.store.prompt_reader import PromptAnswer

SNAPSHOT = "Prompt-Lab-Snapshot"
STALE = "Prompt-Lab-Stale-Since"
router = APIRouter(dependencies=[Depends(require_reader)])


@router.get("/api/v1/prompts")
async def list_prompts(context: Context, label: str = PRODUCTION) -> JSONResponse:
    """The ids that a label has, with version and snapshot of each."""
    prompts = context.prompts
    answers = [prompts.get(name, label) for name in prompts.list_prompts(label)]
    rows = [
        {
            "id": one.id,
            "version": one.version,
            "snapshot": one.snapshot,
            "stale_since": one.stale_since,
        }
        for one in answers
    ]
    return JSONResponse({"label": label, "prompts": rows}, headers=_headers(context))


async def read_prompt(request: Request) -> Response:
    """One prompt. Its ETag changes with anything in the answer; 304 where the reader has it.

    The one route that every reader uses: without FastAPI's dependencies it costs half.
    """
    context = await get_context(request)
    if not context.settings.open_reading:
        await require_reader(request, context, await find_session(request, context))
    label = request.query_params.get("label", PRODUCTION)
    answer = context.prompts.get(request.path_params["prompt_id"], label)
    body = {**answer._asdict(), "label": label}
    etag = _etag(body)
    headers = {"etag": etag, "cache-control": "no-cache", SNAPSHOT: answer.snapshot}
    if answer.stale_since:
        headers[STALE] = answer.stale_since
    if etag in _given_etags(request):
        return Response(status_code=304, headers=headers)
    return Response(json.dumps(body), media_type="application/json", headers=headers)


router.add_route("/api/v1/prompts/{prompt_id}", read_prompt, methods=["GET"])


@router.get("/api/v1/events")
async def stream_events(context: Context) -> StreamingResponse:
    """Server-sent events: `pointer` at once and at each change, a comment in between."""
    if context.hub.count() >= context.settings.most_listeners:
        raise HTTPException(503, "Too many readers listen already.")
    return StreamingResponse(
        _stream(context),
        media_type="text/event-stream",
        headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
    )


@router.post("/ofrep/v1/evaluate/flags/{key}")
async def evaluate_flag(request: Request, context: Context, key: str) -> JSONResponse:
    """OFREP: the prompt `key` as a flag of type string; `label` of the context chooses a label."""
    try:
        given = json.loads(await request.body() or b"{}")
        label = (given.get("context") or {}).get("label", PRODUCTION)
        if not isinstance(label, str):
            raise ValueError
    except (ValueError, AttributeError, RecursionError):
        details = "The body must be an object with an object 'context'."
        return _ofrep_error(400, key, "PARSE_ERROR", details)
    try:
        answer = context.prompts.get(key, label)
    except UnknownName as error:
        return _ofrep_error(404, key, "FLAG_NOT_FOUND", str(error))
    except StoreError as error:
        return _ofrep_error(500, key, "GENERAL", str(error))
    return JSONResponse(_ofrep_answer(answer, label), headers={SNAPSHOT: answer.snapshot})


def _ofrep_answer(answer: PromptAnswer, label: str) -> dict[str, Any]:
    metadata = {"snapshot": answer.snapshot, "label": label}
    if answer.stale_since:
        metadata["stale_since"] = answer.stale_since
    return {
        "key": answer.id,
        "value": answer.text,
        "reason": "STALE" if answer.stale_since else "STATIC",
        "variant": answer.version,
        "metadata": metadata,
    }


def _ofrep_error(status: int, key: str, code: str, details: str) -> JSONResponse:
    return JSONResponse({"key": key, "errorCode": code, "errorDetails": details}, status)


async def _stream(context: WebContext) -> AsyncIterator[str]:
    async with context.hub.listen() as changed:
        yield _event(context)
        while not context.hub.is_closed:
            try:
                await asyncio.wait_for(changed.wait(), context.settings.ping_seconds)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            changed.clear()
            yield _event(context)


def _event(context: WebContext) -> str:
    try:
        state = context.read_state()
    except StoreError:
        return ": no prompts yet\n\n"
    return f"event: pointer\ndata: {json.dumps(state)}\n\n"


def _headers(context: WebContext) -> dict[str, str]:
    return {SNAPSHOT: context.read_state()["snapshot"]}


def _etag(body: dict[str, Any]) -> str:
    parts = (body["id"], body["label"], body["version"], body["snapshot"], body["stale_since"])
    return f'"{sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"'


def _given_etags(request: Request) -> set[str]:
    given = request.headers.get("if-none-match", "")
    return {one.strip().removeprefix("W/") for one in given.split(",")}
