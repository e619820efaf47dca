"""PromptLayer and Langfuse on loopback: the calls that we make, and the ways in which they fail."""

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loopback import Loopback

KEY = "pl_0123456789abcdef-very-secret"
Reply = tuple[int, dict[str, Any]]
SNIPPETS = {"@@@house_style@@@": "Write short sentences."}


class RegistryStandIn:
    """A service with versions and labels. `failures`: (operation, what happens), each used once.

    Operations are read, publish and label. A number is a status; 'drop' ends the connection after
    the call took effect, 'lost' before it; 'ignore' answers success and does nothing.
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[Any]] = {}
        self.labels: dict[str, list[tuple[str, int]]] = {}
        self.failures: list[tuple[str, int | str]] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []
        self.resolves = False
        self._lock = threading.RLock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                reply = stand_in.serve(self, unquote(url.path), query, body)
                if reply is None:
                    self.close_connection = True
                    return
                status, answer = reply
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _serve

            def log_message(self, *args: object) -> None:
                pass

        self.server = Loopback(Handler)

    def serve(
        self, request: BaseHTTPRequestHandler, path: str, query: dict[str, str], body: Any
    ) -> Reply | None:
        """The answer, or None where the connection is dropped."""
        with self._lock:
            if not self.is_authorized(request):
                # A service that repeats what it was sent: no message may hold it.
                return 401, {"error": f"bad key {dict(request.headers)}"}
            operation = self.name_operation(request.command, path)
            self.calls.append(operation)
            self.before.pop(operation, lambda: None)()
            failure = next((f for f in self.failures if f[0] == operation), None)
            if failure is None:
                return self.handle(request.command, path, query, body)
            self.failures.remove(failure)
            if isinstance(failure[1], int):
                return failure[1], {"message": f"no, {KEY}"}
            if failure[1] == "ignore":
                return 200, {"version": len(next(iter(self.texts.values()), []))}
            if failure[1] == "drop":
                self.handle(request.command, path, query, body)
            return None

    def is_authorized(self, request: BaseHTTPRequestHandler) -> bool:
        raise NotImplementedError

    def name_operation(self, method: str, path: str) -> str:
        raise NotImplementedError

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        raise NotImplementedError

    def write_shape(self, text: str) -> Any:
        """A version of that text as the service stores it."""
        raise NotImplementedError

    def read_shape(self, shape: Any) -> str:
        raise NotImplementedError

    def add(self, prompt: str, text: str, *labels: str) -> int:
        """A version made by hand, with these labels moved onto it."""
        with self._lock:
            return self.store(prompt, self.write_shape(text), *labels)

    def store(self, prompt: str, shape: Any, *labels: str) -> int:
        self.texts.setdefault(prompt, []).append(shape)
        number = len(self.texts[prompt])
        for label in labels:
            self.put_label(prompt, label, number)
        return number

    def put_label(self, prompt: str, label: str, number: int) -> None:
        rest = [one for one in self.labels.get(prompt, []) if one[0] != label]
        self.labels[prompt] = [*rest, (label, number)]

    def list_texts(self, prompt: str) -> list[str]:
        return [self.read_shape(one) for one in self.texts.get(prompt, []) if one is not None]

    def find_labelled(self, prompt: str, label: str) -> list[int]:
        return [number for name, number in self.labels.get(prompt, []) if name == label]

    def resolve(self, text: str) -> str:
        for snippet, value in SNIPPETS.items():
            text = text.replace(snippet, value)
        return text

    def find_shape(self, prompt: str, query: dict[str, str]) -> tuple[int, Any] | None:
        shapes = self.texts.get(prompt, [])
        wanted = len(shapes)
        if "label" in query:
            wanted = next(iter(self.find_labelled(prompt, query["label"])), 0)
        elif "version" in query:
            wanted = int(query["version"])
        found = shapes[wanted - 1] if 0 < wanted <= len(shapes) else None
        return None if found is None else (wanted, found)


class PromptLayerStandIn(RegistryStandIn):
    """Templates with an id of 10 and up; labels with ids of their own."""

    def is_authorized(self, request: BaseHTTPRequestHandler) -> bool:
        return request.headers.get("X-API-KEY") == KEY

    def name_operation(self, method: str, path: str) -> str:
        if method == "GET":
            return "read"
        return "publish" if path == "/rest/prompt-templates" else "label"

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        parts = path.strip("/").split("/")
        if method == "GET" and parts[-1] == "labels":
            return self._list_labels(parts[1])
        if method == "GET":
            return self._read(parts[1], query)
        if path == "/rest/prompt-templates":
            return self._publish(body)
        if method == "PATCH":
            return self._move(int(parts[1]), body["prompt_version_number"])
        return self._create(int(parts[1]), body)

    def write_shape(self, text: str) -> Any:
        content = [{"type": "text", "text": text}]
        user = [{"type": "text", "text": "{question}"}]
        messages = [{"role": "system", "content": content}, {"role": "user", "content": user}]
        return {"type": "chat", "messages": messages, "functions": []}

    def read_shape(self, shape: Any) -> str:
        messages = shape.get("messages") or [{"content": shape["content"]}]
        return str(messages[0]["content"][0]["text"])

    def _names(self) -> list[str]:
        return list(self.texts)

    def _read(self, prompt: str, query: dict[str, str]) -> Reply:
        found = self.find_shape(prompt, query)
        if found is None:
            return 404, {"success": False, "message": "not found"}
        number, shape = found
        if query.get("resolve_snippets", "true") != "false":
            shape = json.loads(self.resolve(json.dumps(shape)))
        facts = {"id": 10 + self._names().index(prompt), "prompt_name": prompt, "version": number}
        model = {"model": {"provider": "openai", "name": "gpt-4o"}}
        return 200, {**facts, "prompt_template": shape, "metadata": model, "tags": ["team"]}

    def _publish(self, body: Any) -> Reply:
        name, shape = body["prompt_template"]["prompt_name"], body["prompt_version"]
        template = shape["prompt_template"]
        assert len(shape["commit_message"]) <= 72
        if self.resolves:
            template = json.loads(self.resolve(json.dumps(template)))
        self.store(name, template)
        return 201, {"id": 10 + self._names().index(name), "prompt_name": name}

    def _list_labels(self, prompt: str) -> Reply:
        if prompt not in self.texts:
            return 404, {"message": "not found"}
        rows = [
            {
                "release_label_id": 1000 + 100 * self._names().index(prompt) + at,
                "release_label": label,
                "prompt_version_number": number,
                "prompt_version_id": 5000 + number,
            }
            for at, (label, number) in enumerate(self.labels.get(prompt, []))
        ]
        return 200, {"release_labels": rows}

    def _move(self, label_id: int, number: int) -> Reply:
        at_prompt, at = divmod(label_id - 1000, 100)
        prompt = self._names()[at_prompt]
        label = self.labels[prompt][at][0]
        self.labels[prompt][at] = (label, number)
        return 200, {"id": label_id, "name": label}

    def _create(self, prompt_id: int, body: Any) -> Reply:
        prompt = self._names()[prompt_id - 10]
        if self.find_labelled(prompt, body["name"]):
            return 409, {"message": "label exists"}
        self.put_label(prompt, body["name"], body["prompt_version_number"])
        return 200, {"id": 1, "name": body["name"]}


class LangfuseStandIn(RegistryStandIn):
    """Text and chat prompts; a list that shows those versions which match."""

    def is_authorized(self, request: BaseHTTPRequestHandler) -> bool:
        expected = base64.b64encode(f"pk-lf-1234567:{KEY}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {expected}"

    def name_operation(self, method: str, path: str) -> str:
        return {"GET": "read", "POST": "publish", "PATCH": "label"}[method]

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        rest = path.removeprefix("/api/public/v2/prompts").strip("/")
        if method == "POST":
            assert body["labels"] == []
            text = body["prompt"]
            stored = json.loads(self.resolve(json.dumps(text))) if self.resolves else text
            number = self.store(body["name"], {"prompt": stored, "config": body["config"]})
            return 201, {"name": body["name"], "version": number, "type": body["type"]}
        if method == "PATCH":
            name, _, version = rest.split("/")
            for label in body["newLabels"]:
                self.put_label(name, label, int(version))
            return 200, {"version": int(version)}
        return self._read(rest, query) if rest else self._list(query)

    def write_shape(self, text: str) -> Any:
        return {"prompt": text, "config": {"temperature": 0.2}}

    def read_shape(self, shape: Any) -> str:
        prompt = shape["prompt"]
        return prompt if isinstance(prompt, str) else str(prompt[0]["content"])

    def _read(self, prompt: str, query: dict[str, str]) -> Reply:
        found = self.find_shape(prompt, query)
        if found is None:
            return 404, {"error": "LangfuseNotFoundError"}
        number, shape = found
        text = shape["prompt"]
        if query.get("resolve") != "false":
            text = json.loads(self.resolve(json.dumps(text)))
        return 200, {"name": prompt, "version": number, "type": "text", **shape, "prompt": text}

    def _list(self, query: dict[str, str]) -> Reply:
        prompt = query["name"]
        numbers = [n for n, shape in enumerate(self.texts.get(prompt, []), 1) if shape is not None]
        if "label" in query:
            numbers = self.find_labelled(prompt, query["label"])
        row = {"name": prompt, "versions": numbers, "labels": [], "tags": []}
        data = [row, {"name": f"{prompt}-else", "versions": [77]}] if numbers else []
        return 200, {"data": data, "meta": {"page": 1, "limit": 100, "totalPages": 1}}
