"""What the adapters over llama-index' clients share: the client, the messages, the faults."""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import httpx

from adapters.llm.base import MALFORMED, BaseLlm, fault_of, hide_key
from adapters.llm.sdk_transport import UnusableStatus
from adapters.wire.per_process import PerProcess
from adapters.wire.retry import ReadTimeout, RetryableError
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError, ModelUnavailable
from prompt_lab.ports import Request

PROXY_HINT = (
    ". Look at the variables *_PROXY and SSL_CERT_*; a SOCKS proxy takes `uv pip install "
    "'httpx[socks]'`, and a model on this machine takes `client: wire`, which needs none"
)


def _environment_decides() -> bool:
    """Whether variables are set that SDKs read while a client is made: only then it may fail."""
    names = {name.upper() for name, value in os.environ.items() if value}
    return any(name.endswith("_PROXY") for name in names) or bool(
        names & {"SSL_CERT_FILE", "SSL_CERT_DIR"}
    )


class ChatClient(NamedTuple):
    """A client of llama-index', and what closes its connections."""

    chat: Any
    close: Callable[[], None]


class ChatLlm(BaseLlm):
    """One client for each process, made on first use."""

    def __init__(self, config: ModelConfig, **given: Any) -> None:
        super().__init__(config, **given)
        self._clients = PerProcess(self._connected)

    def check(self) -> str | None:
        """Which key is missing, or why its client cannot be made here; or None. Makes no call."""
        missing = self.find_missing()
        if missing is None and self.client_reads_environment and _environment_decides():
            try:
                self._clients.get()
            except ModelUnavailable as error:
                return str(error).removeprefix(f"{self.config.alias}: ")
        return missing

    @property
    def client_reads_environment(self) -> bool:
        """Whether variables can keep its client from being made: most are given our transport."""
        return False

    def find_missing(self) -> str | None:
        """What of the config or of a key is missing, or None."""
        return super().check()

    def close(self) -> None:
        """Close the connections. A further call opens them again."""
        client = self._clients.take()
        if client is not None:
            client.close()

    @property
    def _chat(self) -> Any:
        return self._clients.get().chat

    def _connected(self) -> ChatClient:
        """The client. Raises ModelUnavailable for whatever an SDK raises while it is made."""
        try:
            return self._connect()
        except LabError:
            raise
        except Exception as error:
            why = hide_key(" ".join(str(error).split()), self.config)[:300]
            hint = PROXY_HINT if _environment_decides() else ""
            raise ModelUnavailable(
                f"{self.config.alias}: its client cannot be made: "
                f"{type(error).__name__}: {why}{hint}"
            ) from None

    @abstractmethod
    def _connect(self) -> ChatClient:
        """Make the client."""


def chat_messages(request: Request) -> list[Any]:
    """The two messages of a request, as llama-index takes them."""
    from llama_index.core.llms import ChatMessage  # noqa: PLC0415 -- takes seconds

    return [
        ChatMessage(role="system", content=request.system),
        ChatMessage(role="user", content=request.user),
    ]


@contextmanager
def faults(vendor: ModuleType, config: ModelConfig) -> Iterator[None]:
    """What a client raises, as RetryableError, CallRefused or ModelUnavailable.

    `vendor` is the package `openai` or `anthropic`: both name their errors alike.
    """
    try:
        yield
    except vendor.APIStatusError as error:
        headers = error.response.headers
        raise fault_of(error.status_code, error.message, headers, config) from None
    except vendor.APITimeoutError:
        raise ReadTimeout(config.timeout_seconds) from None
    except vendor.APIConnectionError as error:
        raise transport_fault(error.__cause__ or error, config) from None
    except (vendor.APIError, *MALFORMED) as error:
        raise RetryableError(
            f"an answer without content: {hide_key(str(error), config)[:300]}"
        ) from None


def transport_fault(cause: BaseException, config: ModelConfig) -> Exception:
    """What our own transport says of a call; the name alone of what another one raises."""
    if isinstance(cause, UnusableStatus):
        return fault_of(cause.status, "", cause.headers, config)
    if isinstance(cause, httpx.RemoteProtocolError):
        return RetryableError(hide_key(str(cause), config)[:300])
    return RetryableError(f"no connection: {type(cause).__name__}")
