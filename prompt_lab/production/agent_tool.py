"""The production agent's part: the pending review in its context, and a tool to answer it."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prompt_lab.production.approve import answer_reply
from prompt_lab.production.binding import ReplyRequest
from prompt_lab.production.deploy import ItemDeployer
from prompt_lab.production.message import render_message
from prompt_lab.production.replies import ReplyAction, ReviewReply
from prompt_lab.production.review_context import ReviewContext
from prompt_lab.reviews import SessionStatus

NAME = "manage_optimization"
DOOR = "agent_tool"


class ManageOptimization(BaseModel):
    """The tool's arguments, as the model writes them."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["list", "show", "remove", "deploy", "reject"]
    items: list[int] = Field(
        default=[], max_length=100, description="numbers of items; for deploy none means all tested"
    )
    session: str = Field(default="", description="session of the context block")
    shown: str = Field(default="", description="shown of the context block; to change anything")


def describe_tool() -> dict[str, Any]:
    """The tool in OpenAI's form, with its JSON schema."""
    return {
        "type": "function",
        "function": {
            "name": NAME,
            "description": (
                "Look at or answer the pending review of this agent's prompts. Deploy, remove and"
                " reject only when the user has just asked for it in words."
            ),
            "parameters": ManageOptimization.model_json_schema(),
        },
    }


def render_context_block(context: ReviewContext) -> str:
    """The pending review for the agent's context; '' where none is pending."""
    session = context.find_newest()
    if session is None or session.status is not SessionStatus.PENDING or not session.items:
        return ""
    head = json.dumps({"session": session.id, "shown": session.content_sha256})
    return f"<pending_optimization>\n{head}\n{render_message(session)}\n</pending_optimization>"


def call_tool(
    call_id: str,
    arguments: str | Mapping[str, Any],
    person: str,
    deployer: ItemDeployer,
    context: ReviewContext,
) -> str:
    """Carry out one call of the tool for the person that the agent talks to; what it says.

    `person` comes from the channel and never from the model. Bad arguments are answered with what
    is wrong. It deploys with verdicts only: a forced promotion is not one of its actions.
    """
    try:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        read = ManageOptimization.model_validate_json(text)
    except (ValidationError, TypeError, ValueError) as error:
        return f"{NAME}: the arguments are wrong: {_first_fault(error)}. Nothing was changed."
    if not person:
        return f"{NAME}: the channel names no person. Nothing was changed."
    if read.action in ("show", "remove") and not read.items:
        return f"{NAME}: {read.action} needs items. Nothing was changed."
    action = ReplyAction.SKIP if read.action == "reject" else ReplyAction(read.action)
    newest = context.find_newest()
    request = ReplyRequest(
        id=f"{DOOR} {call_id}",
        person=person,
        door=DOOR,
        text=text[:500],
        reply=ReviewReply(action, tuple(dict.fromkeys(read.items))),
        session_id=read.session or (newest.id if newest else ""),
        shown_sha256=read.shown,
    )
    return answer_reply(request, deployer, context).text


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc'])) or 'JSON'}: {fault['msg']}"
    return str(error)
