"""WhatsApp by Green API (https://green-api.com/en/docs/api/): one instance, one chat.

A send is made exactly once: a lost connection leaves it open whether it was taken, and find_sent
looks it up. The queue of notifications is FIFO and its head stays until it is deleted.
"""

import hmac
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from prompt_lab.clock import write_time
from prompt_lab.errors import ChatBusy, ChatError, ChatOutcomeUnknown, ConfigError
from prompt_lab.ports.chat import ChatMessage
from prompt_lab.redact import Redactor

HOST = "https://api.green-api.com"
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_QUOTA = 466
_SHORTEST_WAIT, _LONGEST_WAIT = 5, 60
_SHOWN = 200
_THUMBS, _TONES = ("👍", "👎"), frozenset("\ufe0f🏻🏼🏽🏾🏿")


class GreenApiChat:
    """`chat_id`: where messages go, such as '4915112345678@c.us' or '120363012345@g.us'."""

    limit = 20_000

    def __init__(
        self,
        instance_id: str,
        token: str,
        chat_id: str,
        client: httpx.Client,
    ) -> None:
        self._base = f"/waInstance{instance_id}"
        self._token = token
        self._chat_id = chat_id
        self._client = client
        self._redactor = Redactor([token])
        self._acknowledged = ""

    def send(self, text: str, *, quoted: str = "") -> str:
        """POST sendMessage, once."""
        if len(text) > self.limit:
            raise ChatError(f"The message has {len(text)} characters, at most {self.limit}.")
        body: dict[str, Any] = {"chatId": self._chat_id, "message": text, "linkPreview": False}
        body |= {"quotedMessageId": quoted} if quoted else {}
        answer = self._call("POST", "sendMessage", body=body)
        message_id = answer.get("idMessage") if isinstance(answer, dict) else None
        if not isinstance(message_id, str) or not message_id:
            # An instance that is starting or not authorised says so with status 200.
            raise ChatBusy(f"Green API did not take the message: {self._show(answer)}")
        return message_id

    def find_sent(self, text: str, *, since: str) -> str:
        """Looks in the send queue and among the outgoing messages of the last day."""
        for row in self._read_list("showMessagesQueue"):
            body = row.get("body")
            if isinstance(body, dict) and self._is_ours(body) and body.get("message") == text:
                return str(row.get("messageID", ""))
        start = datetime.fromisoformat(since).timestamp()
        for row in self._read_list("lastOutgoingMessages"):
            said = row.get("textMessage") or _get(row, "extendedTextMessage", "text")
            # The service's clock has seconds.
            is_later = float(row.get("timestamp") or 0) >= int(start)
            if self._is_ours(row) and said == text and is_later:
                return str(row.get("idMessage", ""))
        return ""

    def receive(self, *, wait_seconds: float = 0.0) -> Iterator[ChatMessage]:
        """Polls receiveNotification until the queue is empty; what is no text is deleted."""
        wait = int(min(max(wait_seconds, _SHORTEST_WAIT), _LONGEST_WAIT))
        while True:
            answer = self._call("GET", "receiveNotification", query={"receiveTimeout": wait})
            if answer is None:
                return
            receipt = answer.get("receiptId") if isinstance(answer, dict) else None
            if not isinstance(answer, dict) or not isinstance(receipt, int):
                raise ChatBusy(f"Green API gives no notifications: {self._show(answer)}")
            message = parse_webhook(answer.get("body"))
            if message is None:
                self._delete(str(receipt))
                continue
            yield message._replace(receipt=str(receipt))
            if self._acknowledged != str(receipt):
                return

    def acknowledge(self, message: ChatMessage) -> None:
        """DELETE deleteNotification; one that is gone already is none."""
        if message.receipt:
            self._delete(message.receipt)
            self._acknowledged = message.receipt

    def _delete(self, receipt: str) -> None:
        self._call("DELETE", "deleteNotification", receipt)

    def _is_ours(self, row: Mapping[str, Any]) -> bool:
        return row.get("chatId") == self._chat_id

    def _read_list(self, method: str) -> list[dict[str, Any]]:
        answer = self._call("GET", method)
        if not isinstance(answer, list):
            raise ChatBusy(f"Green API does not list messages: {self._show(answer)}")
        return [row for row in answer if isinstance(row, dict)]

    def _call(
        self,
        verb: str,
        method: str,
        last: str = "",
        *,
        query: dict[str, int] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Any:
        """The answer as JSON, or as text where it is none. `last`: last part of the path."""
        path = f"{self._base}/{method}/{self._token}" + (f"/{last}" if last else "")
        try:
            response = self._client.request(verb, path, params=query, json=body)
        except _UNSENT as error:
            raise ChatBusy(self._hide(f"Green API {method}: no connection ({error})")) from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise ChatOutcomeUnknown(
                self._hide(f"Green API {method}: the connection was lost ({reason})")
            ) from None
        if response.status_code >= 300:
            raise self._explain(method, response)
        try:
            return json.loads(response.text) if response.text.strip() else None
        except (ValueError, RecursionError):
            return response.text

    def _explain(self, method: str, response: httpx.Response) -> ChatError:
        status = response.status_code
        text = f"Green API {method}: {status} {self._show(response.text)}".strip()
        if status == _QUOTA:
            return ChatBusy(f"{text} (the quota of the plan is used up)")
        if status == 429:
            return ChatBusy(text, 1.0)
        if status >= 500:
            return ChatOutcomeUnknown(text)
        if status in (401, 403):
            text += " (check GREEN_API_INSTANCE_ID and GREEN_API_TOKEN)"
        return ChatError(text)

    def _show(self, answer: object) -> str:
        return self._hide(" ".join(str(answer).split()))[:_SHOWN]

    def _hide(self, text: str) -> str:
        return self._redactor.text(text)


def open_green_api(environment: Mapping[str, str] = os.environ) -> GreenApiChat:
    """The chat of the environment's variables. Raises ConfigError that names what is missing."""
    names = ("GREEN_API_INSTANCE_ID", "GREEN_API_TOKEN", "WHATSAPP_ALLOWED_CHAT_ID")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise ConfigError([f"{name} is not set: Green API needs it" for name in missing])
    host = environment.get("GREEN_API_URL") or HOST
    client = httpx.Client(base_url=host, timeout=httpx.Timeout(30.0, read=_LONGEST_WAIT + 30.0))
    instance_id, token, chat_id = (environment[name] for name in names)
    return GreenApiChat(instance_id, token, chat_id, client)


def parse_webhook(body: object) -> ChatMessage | None:
    """The message of a notification's body, polled or pushed; None for what is no text.

    A reaction with a thumb is a message that quotes the one it is on; other reactions are none.

    In a group `chat` is the group, and `sender` the person.
    """
    if not isinstance(body, dict) or body.get("typeWebhook") != "incomingMessageReceived":
        return None
    chat, sender = _get(body, "senderData", "chatId"), _get(body, "senderData", "sender")
    text = _get(body, "messageData", "textMessageData", "textMessage")
    text = text or _get(body, "messageData", "extendedTextMessageData", "text")
    if _get(body, "messageData", "typeMessage") == "reactionMessage":
        text = _read_thumb(text)
    message_id, seconds = body.get("idMessage"), body.get("timestamp")
    fields = (message_id, chat, sender, text)
    if not all(isinstance(field, str) and field for field in fields):
        return None
    quoted = _get(body, "messageData", "quotedMessage", "stanzaId")
    quoted = quoted or _get(body, "messageData", "extendedTextMessageData", "stanzaId")
    return ChatMessage(
        str(message_id),
        str(chat),
        str(sender),
        str(text),
        quoted=quoted if isinstance(quoted, str) else "",
        time=_format_time(seconds),
    )


def _read_thumb(reaction: object) -> str:
    """The thumb of a reaction, without its skin tone; '' for any other: a reaction has no words."""
    text = str(reaction)
    return text[:1] if text[:1] in _THUMBS and not set(text[1:]) - _TONES else ""


def is_webhook_genuine(authorization: str, secret: str) -> bool:
    """Whether the header Authorization of a pushed notification has the secret; '' never has."""
    given = authorization.removeprefix("Bearer ").encode()
    return bool(secret) and hmac.compare_digest(given, secret.encode())


def _format_time(seconds: object) -> str:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        # The service counts whole seconds: the end of this one, so that none is taken for older.
        time = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=999_000)
    except (ValueError, OverflowError, OSError):
        return ""
    return write_time(time)


def _get(value: object, *names: str) -> object:
    """What lies under these keys; None where there is no such thing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
