"""The contract of a chat: the terminal, the fake and Green API against its stand-in."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from adapters.chat.green_api import (
    GreenApiChat,
    is_webhook_genuine,
    open_green_api,
    parse_webhook,
)
from adapters.chat.terminal import TerminalChat
from prompt_lab.errors import ChatBusy, ChatError, ChatOutcomeUnknown, ConfigError
from prompt_lab.ports.chat import Chat, ChatMessage
from tests.adapters.chat.green_api_server import (
    CHAT,
    INSTANCE,
    PERSON,
    TOKEN,
    GreenApiServer,
    make_body,
    make_message,
)
from tests.prompt_lab.production.fakes import NOW, MemoryChat


class World(NamedTuple):
    chat: Chat
    say: Callable[[str], object]


def open_chat(server: GreenApiServer, token: str = TOKEN) -> GreenApiChat:
    client = httpx.Client(
        transport=httpx.MockTransport(server.handle), base_url="https://green.example"
    )
    return GreenApiChat(INSTANCE, token, CHAT, client)


def make_world(kind: str, folder: Path) -> World:
    if kind == "green_api":
        server = GreenApiServer()
        return World(open_chat(server), lambda text: server.say(text, f"IN{len(server.queue)}"))
    if kind == "terminal":
        lines: list[str] = []
        chat = TerminalChat(folder / "sent.jsonl", str, lines, now=lambda: NOW)
        return World(chat, lines.append)
    memory = MemoryChat()

    def say(text: str) -> None:
        number = str(len(memory.queue))
        memory.queue.append(ChatMessage(f"IN{number}", CHAT, PERSON, text, receipt=number))

    return World(memory, say)


@pytest.fixture(params=["green_api", "terminal", "memory"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return make_world(request.param, tmp_path)


def test_sends_and_finds_what_was_sent(world: World) -> None:
    first, second = world.chat.send("hello"), world.chat.send("again", quoted="X")
    assert first != second
    assert world.chat.find_sent("again", since=NOW) == second
    assert world.chat.find_sent("other", since=NOW) == ""
    assert world.chat.find_sent("again", since="2026-02-27T06:00:00.000Z") == ""


def test_refuses_what_is_too_long(world: World) -> None:
    with pytest.raises(ChatError):
        world.chat.send("x" * (world.chat.limit + 1))
    assert world.chat.find_sent("x" * (world.chat.limit + 1), since=NOW) == ""


def test_gives_each_message_in_order(world: World) -> None:
    world.say("one")
    world.say("two")
    texts = []
    for message in world.chat.receive():
        texts.append(message.text)
        assert message.id
        world.chat.acknowledge(message)
        world.chat.acknowledge(message)
    assert texts == ["one", "two"]


@pytest.fixture
def server() -> GreenApiServer:
    return GreenApiServer()


def test_head_stays_until_it_is_acknowledged(server: GreenApiServer) -> None:
    server.say("one", "A")
    server.say("two", "B")
    chat = open_chat(server)
    assert [message.text for message in chat.receive()] == ["one"]
    assert [message.text for message in chat.receive()] == ["one"]


def test_what_is_no_text_does_not_block(server: GreenApiServer) -> None:
    bodies: tuple[object, ...] = (
        None,
        [],
        {"typeWebhook": "stateInstanceChanged", "stateInstance": "starting"},
        {"typeWebhook": "quotaExceeded"},
        make_body("I", {"typeMessage": "imageMessage"}, server.time),
        {**make_body("J", {}, server.time), "senderData": "x", "messageData": 3},
    )
    for body in bodies:
        server.push(body)
    server.say("deploy all", "A")
    chat = open_chat(server)
    messages = []
    for one in chat.receive():
        messages.append(one)
        chat.acknowledge(one)
    (message,) = messages
    assert message._replace(receipt="") == make_message("deploy all", "A")
    assert server.queue == []


def test_quoted_message_and_group_sender(server: GreenApiServer) -> None:
    server.say("deploy 3", "A", quoted="BAE5")
    (message,) = list(open_chat(server).receive())
    assert (message.chat, message.sender, message.quoted) == (CHAT, PERSON, "BAE5")


@pytest.mark.parametrize("emoji", ["👍", "👎", "👍🏽", "👎🏿", "👍\ufe0f"])
def test_reaction_with_a_thumb_is_a_message_that_quotes(server: GreenApiServer, emoji: str) -> None:
    server.react(emoji, "A", quoted="BAE5")
    (message,) = list(open_chat(server).receive())
    assert (message.text, message.quoted, message.sender) == (emoji[0], "BAE5", PERSON)


@pytest.mark.parametrize("emoji", ["❤️", "", "✅", "deploy all", "👍 deploy all", "👍👍"])
def test_other_reaction_is_no_message_and_does_not_block(
    server: GreenApiServer, emoji: str
) -> None:
    server.react(emoji, "A", quoted="BAE5")
    assert list(open_chat(server).receive()) == []
    assert server.queue == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("text", ChatBusy),
        (466, ChatBusy),
        (429, ChatBusy),
        ("refused", ChatBusy),
        ("lost", ChatOutcomeUnknown),
        ("late", ChatOutcomeUnknown),
        (500, ChatOutcomeUnknown),
        (403, ChatError),
        (400, ChatError),
    ],
)
def test_a_send_is_made_once_and_says_what_is_known(
    server: GreenApiServer, fault: int | str, kind: type[ChatError]
) -> None:
    server.fault = fault
    chat = open_chat(server)
    with pytest.raises(ChatError) as caught:
        chat.send("hello")
    assert type(caught.value) is kind
    assert TOKEN not in str(caught.value)
    assert server.requests == ["POST sendMessage"]
    server.fault = ""
    was_taken = fault in ("lost", "late")
    assert bool(chat.find_sent("hello", since=NOW)) == was_taken


def test_starting_instance_gives_no_messages(server: GreenApiServer) -> None:
    server.fault = "text"
    with pytest.raises(ChatBusy, match="starting or not authorized"):
        list(open_chat(server).receive())


def test_wrong_token_names_the_variables_and_not_the_token(server: GreenApiServer) -> None:
    with pytest.raises(ChatError, match="GREEN_API_TOKEN") as caught:
        open_chat(server, "another-secret-token").send("hello")
    assert "another-secret" not in str(caught.value)


def test_environment_lists_all_that_is_missing() -> None:
    with pytest.raises(ConfigError) as caught:
        open_green_api({"GREEN_API_TOKEN": "x"})
    assert len(caught.value.faults) == 2


def test_webhook_has_the_secret_and_the_same_form(server: GreenApiServer) -> None:
    data = {"typeMessage": "textMessage", "textMessageData": {"textMessage": "skip"}}
    assert parse_webhook(make_body("A", data, server.time)) == make_message("skip", "A")
    assert is_webhook_genuine("Bearer s3cret", "s3cret")
    assert not is_webhook_genuine("Bearer other", "s3cret")
    assert not is_webhook_genuine("", "")
    assert not is_webhook_genuine("Bearer é", "s3cret")
