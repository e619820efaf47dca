"""A stand-in of Green API: follows the published format, and fails as the service does."""

import json
from typing import Any

import httpx

from prompt_lab.ports.chat import ChatMessage

INSTANCE, TOKEN, CHAT = "1101000001", "secret-token-of-green-api", "120363@g.us"
PERSON = "4915112345678@c.us"


class GreenApiServer:
    """One instance. `fault` is the answer to the next sends: a status, 'text', 'lost' or 'late'."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.waiting: list[dict[str, Any]] = []
        self.queue: list[dict[str, Any]] = []
        self.fault: int | str = ""
        self.requests: list[str] = []
        self.time = 1_772_085_600
        self._receipts = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; a transport for httpx.MockTransport."""
        parts = request.url.path.strip("/").split("/")
        self.requests.append(f"{request.method} {parts[1]}")
        if parts[0] != f"waInstance{INSTANCE}" or parts[2] != TOKEN:
            return httpx.Response(401, text="Unauthorized")
        if self.fault == "refused":
            raise httpx.ConnectError("connection refused", request=request)
        answer = getattr(self, f"_{request.method.lower()}_{parts[1]}", None)
        if answer is None:
            return httpx.Response(404)
        made: httpx.Response = answer(request, parts[3:])
        return made

    def push(self, body: Any) -> str:
        """Put a notification into the queue; its receipt."""
        self._receipts += 1
        self.queue.append({"receiptId": self._receipts, "body": body})
        return str(self._receipts)

    def say(self, text: str, message_id: str, *, quoted: str = "") -> None:
        """A person of the group writes."""
        data: dict[str, Any] = {
            "typeMessage": "textMessage",
            "textMessageData": {"textMessage": text},
        }
        if quoted:
            data = {
                "typeMessage": "quotedMessage",
                "extendedTextMessageData": {"text": text},
                "quotedMessage": {"stanzaId": quoted, "participant": "me"},
            }
        self.push(make_body(message_id, data, self.time))

    def react(self, emoji: str, message_id: str, *, quoted: str) -> None:
        """A person of the group reacts to a message."""
        data = {
            "typeMessage": "reactionMessage",
            "extendedTextMessageData": {"text": emoji},
            "quotedMessage": {"stanzaId": quoted, "participant": "me"},
        }
        self.push(make_body(message_id, data, self.time))

    def _post_sendMessage(self, request: httpx.Request, _: list[str]) -> httpx.Response:
        body = json.loads(request.content)
        if self.fault == 466:
            state = {"method": "sendMessage", "used": 3, "total": 3, "status": "QUOTE_EXCEEDED"}
            return httpx.Response(466, json={"invokeStatus": state})
        if isinstance(self.fault, int):
            return httpx.Response(self.fault, text=f"failed for {TOKEN}")
        if self.fault == "text":
            return httpx.Response(200, text="instance is starting or not authorized")
        if len(body["message"]) > 20_000:
            return httpx.Response(400, json={"message": "Validation failed"})
        message_id = f"BAE5{len(self.sent) + len(self.waiting):04}"
        row = {"idMessage": message_id, "timestamp": self.time, "chatId": body["chatId"]}
        row |= {"textMessage": body["message"], "typeMessage": "textMessage"}
        if self.fault == "late":
            self.waiting.append(
                {"messageID": message_id, "type": "sendMessage", "body": body, "row": row}
            )
        else:
            self.sent.append(row)
        if self.fault in ("lost", "late"):
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(200, json={"idMessage": message_id})

    def _get_showMessagesQueue(self, _: httpx.Request, __: list[str]) -> httpx.Response:
        rows = [{k: v for k, v in row.items() if k != "row"} for row in self.waiting]
        return httpx.Response(200, json=rows)

    def _get_lastOutgoingMessages(self, _: httpx.Request, __: list[str]) -> httpx.Response:
        return httpx.Response(200, json=self.sent[::-1])

    def _get_receiveNotification(self, request: httpx.Request, _: list[str]) -> httpx.Response:
        assert 5 <= int(request.url.params["receiveTimeout"]) <= 60
        if self.fault == "text":
            return httpx.Response(200, text="instance is starting or not authorized")
        return httpx.Response(200, json=self.queue[0] if self.queue else None)

    def _delete_deleteNotification(self, _: httpx.Request, last: list[str]) -> httpx.Response:
        before = len(self.queue)
        self.queue = [one for one in self.queue if str(one["receiptId"]) != last[0]]
        return httpx.Response(200, json={"result": len(self.queue) < before})


def make_body(message_id: str, data: dict[str, Any], time: int) -> dict[str, Any]:
    """The body of an incoming message in the group."""
    return {
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": int(INSTANCE), "typeInstance": "whatsapp"},
        "timestamp": time,
        "idMessage": message_id,
        "senderData": {"chatId": CHAT, "sender": PERSON, "senderName": "Ann"},
        "messageData": data,
    }


def make_message(text: str, message_id: str) -> ChatMessage:
    """What the chat gives for a plain message, without its receipt."""
    return ChatMessage(message_id, CHAT, PERSON, text, time="2026-02-26T06:00:00.999Z")
