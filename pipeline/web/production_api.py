"""/api/admin: reviews, replies, feedback and settings for services; the webhook of Green API."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pipeline.web.admin_key import AdminRoute, Caller, is_equal_key, read_key
from pipeline.web.context import Context
from pipeline.web.production import WebAnswer, find_review, set_config
from pipeline.web.review_tasks import ReviewTask
from prompt_lab.clock import utc_now
from prompt_lab.json_limits import parse_json
from prompt_lab.reviews import ReviewSession
from prompt_lab.traces import Feedback

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "the request cannot be read"},
    401: {"description": "no key, or a wrong one"},
    403: {"description": "the key may read only"},
    404: {"description": "no such review, trace or task"},
    409: {"description": "refused, with the reason"},
    413: {"description": "the body is too large"},
    422: {"description": "a field is missing or wrong"},
    429: {"description": "too many requests"},
    503: {"description": "the store or the chat is not available"},
}
router = APIRouter(prefix="/api/admin", route_class=AdminRoute, responses=ERRORS)
webhooks = APIRouter(prefix="/api/webhooks", responses=ERRORS)


def check_text(text: str) -> str:
    """Refuse what a database cannot hold: NUL and halves of surrogate pairs."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("it holds a NUL or half of a surrogate pair")
    return text


Text = Annotated[str, AfterValidator(check_text)]


class AdminBody(BaseModel):
    """The body of a request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class OptimizeRequest(AdminBody):
    """What a review is to read."""

    window_hours: float = Field(default=24.0, gt=0, le=8784, allow_inf_nan=False)
    dry_run: bool = Field(default=False, description="send no message and deploy nothing")


class ReplyBody(AdminBody):
    """An answer in ordinary words to what was shown."""

    text: Text = Field(min_length=1, max_length=2000, description="such as: remove 3, deploy")
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the session as shown")
    by: Text = Field(default="", max_length=60, description="the person whose words they are")
    reason: Text = Field(default="", max_length=500, description="why an item is forced")


class FeedbackRequest(AdminBody):
    """What a user thought of an answer."""

    trace_id: Text = Field(min_length=1, max_length=200)
    thumb: Literal["up", "down"]
    comment: Text = Field(default="", max_length=4000)
    channel_user_id: Text = Field(default="", max_length=200)


@router.post("/optimize", status_code=202)
def start_review(context: Context, caller: Caller, body: OptimizeRequest) -> dict[str, Any]:
    """Start a review. It takes a while: poll `status_url`."""
    task = context.tasks.start(body.window_hours, dry_run=body.dry_run, by=caller.act_as().name)
    return {"task": task.id, "state": task.state, "status_url": f"/api/admin/tasks/{task.id}"}


@router.get("/tasks")
def list_tasks(context: Context, _caller: Caller) -> dict[str, list[ReviewTask]]:
    """Reviews that were asked for, newest first."""
    return {"tasks": context.tasks.list_tasks()}


@router.get("/tasks/{task_id}")
def read_task(context: Context, _caller: Caller, task_id: str) -> ReviewTask:
    """The state of one of them."""
    return context.tasks.read(task_id)


@router.get("/sessions")
def list_sessions(
    context: Context, _caller: Caller, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> dict[str, Any]:
    """Review sessions, newest first."""
    found = context.production.reviews.list_sessions(limit=limit)
    return {"sessions": [_summarise(one) for one in found]}


@router.get("/sessions/{session_id}")
def read_session(context: Context, _caller: Caller, session_id: str) -> dict[str, Any]:
    """One session with its items and the hash that an answer is bound to."""
    return _describe(find_review(context.production.reviews, session_id))


@router.post("/sessions/{session_id}/replies")
def reply(context: Context, caller: Caller, session_id: str, body: ReplyBody) -> dict[str, Any]:
    """Answer a session in words, as in the chat. 409 with the reason where it is refused."""
    door = context.production
    session = find_review(door.reviews, session_id)
    actor = caller.act_as(body.by)
    done = door.answer(WebAnswer(session.id, body.content_sha256, body.text, actor, body.reason))
    if done.is_refused:
        raise HTTPException(409, done.text)
    return {"answer": done.text, **_describe(find_review(door.reviews, session_id))}


@router.post("/feedback")
def record_feedback(context: Context, _caller: Caller, body: FeedbackRequest) -> dict[str, bool]:
    """Record a thumb; `new` is false where the same user's is there already."""
    traces = context.production.traces
    if traces.find(body.trace_id) is None:
        raise HTTPException(404, "The store has no trace with that id.")
    new = traces.add_feedback(Feedback(**body.model_dump(), created_at=utc_now()))
    return {"new": new}


@router.get("/agent-config")
def read_config(context: Context, _caller: Caller) -> dict[str, Any]:
    """The agent's settings."""
    return _parse_config(context.production.reviews.read_config())


@router.patch("/agent-config")
def change_config(
    context: Context, caller: Caller, body: Annotated[dict[str, Any], Field(max_length=50)]
) -> dict[str, Any]:
    """Set some of the agent's settings: key -> any JSON value."""
    door = context.production
    set_config(context.lab, door.reviews, body, caller.act_as())
    return _parse_config(door.reviews.read_config())


@webhooks.post("/green-api")
async def receive_green_api(request: Request, context: Context) -> JSONResponse:
    """A notification of Green API; its secret comes as Authorization: Bearer.

    Answered with 200 even if there is nothing in it for us: anything else is sent again.
    """
    if not is_equal_key(context.settings.webhook_secret, read_key(request)):
        raise HTTPException(401, "The webhook takes its secret.", {"www-authenticate": "Bearer"})
    receive = context.production.receive_webhook
    if receive is None:
        raise HTTPException(503, "No chat with a webhook is set up.")
    body = await request.body()
    return JSONResponse({"received": await _receive(receive, body)})


async def _receive(receive: Any, body: bytes) -> bool:
    try:
        found = parse_json(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict):
        return False
    await run_in_threadpool(receive, found)
    return True


def _summarise(session: ReviewSession) -> dict[str, Any]:
    shown = session.model_dump(mode="json", exclude={"items", "analysis_text"})
    return {**shown, "items": len(session.items), "content_sha256": session.content_sha256}


def _describe(session: ReviewSession) -> dict[str, Any]:
    items = [
        {**item.model_dump(mode="json"), "deployable": item.deployable} for item in session.items
    ]
    shown = session.model_dump(mode="json", exclude={"items"})
    return {**shown, "items": items, "content_sha256": session.content_sha256}


def _parse_config(config: dict[str, str]) -> dict[str, Any]:
    """Values as JSON; one that another writer left as bare text stays text."""
    found: dict[str, Any] = {}
    for key, text in config.items():
        try:
            found[key] = parse_json(text)
        except (ValueError, RecursionError):
            found[key] = text
    return found
