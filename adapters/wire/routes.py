"""Where a connection goes to: the server itself, or a proxy that the environment names."""

import base64
import http.client
import os
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from adapters.wire.deadline import DeadlineSocket, open_socket
from prompt_lab.errors import ModelUnavailable

_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class ServerRoute:
    """A server, and the proxy before it ('' where there is none). Connections to one are alike."""

    scheme: str
    host: str
    port: int
    proxy: str = ""

    @property
    def host_header(self) -> str:
        """The header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def target(self, path: str) -> str:
        """What the request line names: a proxy of plain HTTP is given the whole address."""
        plain_proxy = self.proxy and self.scheme == "http"
        return f"http://{self.host_header}{path}" if plain_proxy else path

    def proxy_headers(self) -> dict[str, str]:
        """What a proxy of plain HTTP is sent with each request."""
        return _proxy_credentials(self.proxy) if self.proxy and self.scheme == "http" else {}

    def connect(self, deadline: float) -> DeadlineSocket:
        """A new connection. Raises OSError, http.client.HTTPException, ModelUnavailable."""
        if not self.proxy:
            plain = open_socket(self.host, self.port, deadline)
        else:
            plain = self._connect_proxy(deadline)
        if self.scheme == "https":
            try:
                # The time limit of a handshake is one for the whole of it.
                plain.settimeout(max(0.001, deadline - time.monotonic()))
                return DeadlineSocket(trust().wrap_socket(plain, server_hostname=self.host))
            except BaseException:
                plain.close()
                raise
        return DeadlineSocket(plain)

    def _connect_proxy(self, deadline: float) -> socket.socket:
        url = urlsplit(self.proxy)
        if url.scheme != "http" or not url.hostname:
            raise ModelUnavailable(
                "the proxy that the environment names is not one of plain HTTP (http://host:port): "
                "set HTTPS_PROXY to such a one, or NO_PROXY to the host of the model"
            )
        plain = open_socket(url.hostname, url.port or 80, deadline)
        if self.scheme == "http":
            return plain
        bounded = DeadlineSocket(plain)
        bounded.deadline = deadline
        tunnel = http.client.HTTPConnection(url.hostname, url.port or 80)
        tunnel.set_tunnel(self.host, self.port, headers=_proxy_credentials(self.proxy))
        tunnel.sock = bounded
        try:
            tunnel._tunnel()  # type: ignore[attr-defined]  # connect() would open another socket
        except BaseException:
            plain.close()
            raise
        return bounded.detach()


@cache
def route_to(scheme: str, host: str, port: int | None) -> ServerRoute:
    """The way to a server, by the environment as it is at the first call to it."""
    return ServerRoute(scheme, host, port or _PORTS[scheme], _proxy_for(scheme, host))


@cache
def trust() -> ssl.SSLContext:
    """The certificates that are trusted: those of SSL_CERT_FILE or SSL_CERT_DIR, else certifi's
    and the system's."""
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        import certifi  # noqa: PLC0415 -- only where there is TLS

        context.load_verify_locations(certifi.where())
    return context


def _proxy_for(scheme: str, host: str) -> str:
    """No proxy stands between this machine and itself, whatever the environment says."""
    if host in _LOOPBACK or not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 -- seldom needed

    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all") or ""
    direct = proxy_bypass(host) or _is_in_network(host, proxies.get("no", ""))
    return "" if direct else found


def _is_in_network(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names a network with this address, which the standard library ignores.

    >>> _is_in_network("fd07::2", "localhost, fd07::/64")
    True
    """
    with suppress(ValueError):
        address = ip_address(host.strip("[]"))
        for part in no_proxy.split(","):
            with suppress(ValueError):
                if "/" in part and address in ip_network(part.strip(), strict=False):
                    return True
    return False


def _proxy_credentials(proxy: str) -> dict[str, str]:
    url = urlsplit(proxy)
    if url.username is None:
        return {}
    return {"Proxy-Authorization": basic_credentials(url.username, url.password or "")}


def basic_credentials(user: str, password: str) -> str:
    """The value of a header for a name and a password as they stand in a URL."""
    pair = f"{unquote(user)}:{unquote(password)}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
