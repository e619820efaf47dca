"""Which proxy a call takes, by the environment: that of desktops, VPNs and virtual machines."""

import pytest

from adapters.wire.routes import route_to
from prompt_lab.errors import ModelUnavailable

PROXY = "http://127.0.0.1:9"
NETWORK = "localhost,fd07:b51a:cc66:f0::/64,10.1.0.0/16"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def proxy_of(host: str, scheme: str = "http") -> str:
    """The proxy on the way to a host, by the environment of this moment."""
    return route_to.__wrapped__(scheme, host, None).proxy


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTP_PROXY"])
def test_a_model_on_this_machine_needs_no_proxy(
    host: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "socks5://127.0.0.1:1080")
    assert proxy_of(host) == ""


@pytest.mark.parametrize(
    ("host", "proxy"),
    [
        ("fd07:b51a:cc66:f0::2", ""),
        ("[fd07:b51a:cc66:f0::2]", ""),
        ("fd07:b51a:cc66:f1::2", PROXY),
        ("10.1.2.3", ""),
        ("10.2.0.1", PROXY),
        ("localhost", ""),
        ("api.example.com", PROXY),
    ],
)
def test_networks_in_no_proxy_hold_their_addresses_and_no_others(
    host: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", NETWORK)
    assert proxy_of(host) == proxy


def test_a_proxy_that_is_not_plain_http_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    route = route_to.__wrapped__("http", "api.example.com", None)
    with pytest.raises(ModelUnavailable, match="set HTTPS_PROXY") as caught:
        route.connect(float("inf"))
    assert "\n" not in str(caught.value)
