from pathlib import Path

import pytest

from rules.model import Tier
from server.config import ConfigError, is_loopback, load

KEY = "ab" * 32
RIGHT = f"""
listen = "127.0.0.1:8420"
data = "kept"
[[gateways]]
id = "home-1"
public_key = "{KEY}"
people = ["margaret"]
[[people]]
id = "margaret"
name = "Margaret Ellis"
born = 1947
[demo]
users = true
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "server.toml"
    path.write_text(text)
    return path


def test_settings_are_read_with_paths_relative_to_their_file(tmp_path) -> None:
    config = load(written(tmp_path, RIGHT))
    assert config.data == tmp_path / "kept"
    assert (config.host, config.port, config.url) == ("127.0.0.1", 8420, "http://127.0.0.1:8420")
    assert config.gateway("home-1").people == ("margaret",)
    assert config.person("margaret").timezone == "Europe/London"
    assert config.gateway("home-2") is None
    assert config.escalation.limits_s() == {Tier.T4: 900.0, Tier.T5: 180.0}


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        pytest.param("[demo]", "[demmo]", "demmo", id="unknown-section"),
        pytest.param("born = 1947", "birth = 1947", "birth", id="unknown-key"),
        pytest.param("born = 1947", 'born = "1947"', r"people\[0\].born", id="wrong-type"),
        pytest.param('listen = "127.0.0.1:8420"', "", "listen", id="missing"),
        pytest.param("127.0.0.1:8420", "8420", "host:port", id="no-host"),
        pytest.param("127.0.0.1:8420", "127.0.0.1:99999", "host:port", id="no-such-port"),
        pytest.param("127.0.0.1:8420", "0.0.0.0:8420", "users = false", id="demo-for-everyone"),
        pytest.param(KEY, "ab", "64 hex digits", id="short-key"),
        pytest.param(KEY, "zz" * 32, "64 hex digits", id="key-not-hex"),
        pytest.param(KEY, "00" * 32, "gateway key", id="key-for-which-anyone-signs"),
        pytest.param('["margaret"]', '["margret"]', "margret", id="person-unknown"),
        pytest.param("[demo]", '[[people]]\nid="margaret"\nname=""\n[demo]', "twice", id="twice"),
        pytest.param("born = 1947", 'timezone = "Mars"', "IANA", id="timezone"),
        pytest.param("born = 1947", 'timezone = "../etc"', "IANA", id="timezone-path"),
        pytest.param("users = true", "users = ", "TOML", id="not-toml"),
        pytest.param("data =", 'public_url = "care.example"\ndata =', "https://", id="bare-url"),
    ],
)
def test_wrong_settings_are_refused_with_the_key_and_what_to_write(
    tmp_path, right, wrong, said
) -> None:
    assert right in RIGHT
    path = written(tmp_path, RIGHT.replace(right, wrong, 1))
    with pytest.raises(ConfigError, match=said) as refused:
        load(path)
    assert str(path) in str(refused.value)


def test_settings_that_are_not_there_say_what_to_copy(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"deploy/server\.example\.toml"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        pytest.param("127.0.0.1", True, id="ipv4"),
        pytest.param("127.9.9.9", True, id="ipv4-range"),
        pytest.param("::1", True, id="ipv6"),
        pytest.param("localhost", True, id="name"),
        pytest.param("0.0.0.0", False, id="all-ipv4"),
        pytest.param("::", False, id="all-ipv6"),
        pytest.param("192.168.1.5", False, id="lan"),
        pytest.param("localhost.evil.example", False, id="another-name"),
        pytest.param("", False, id="empty"),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host, loopback) -> None:
    assert is_loopback(host) is loopback
