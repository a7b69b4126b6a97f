"""Links that let somebody in."""

import string
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.links import MAX_LINK, JoinLink, LinkError, is_code, plain_host

CODE = "Zm9vYmFyYmF6cXV4_-1234"
PIN = "0123456789abcdef" * 4

_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_names = st.builds(lambda labels, last: ".".join([*labels, last]), st.lists(_labels, max_size=4),
                   st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True))  # fmt: skip
_hosts = st.one_of(_names, st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
_links = st.builds(
    JoinLink,
    _hosts,
    st.integers(1, 65_535),
    st.text(string.ascii_letters + string.digits + "-_", min_size=22, max_size=22),
    st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (f"securechat://chat.example.org:6697/{CODE}#{PIN}", JoinLink("chat.example.org", 6697, CODE, PIN)),
        (f"securechat://chat.example.org:443/{CODE}#system", JoinLink("chat.example.org", 443, CODE, None)),
        (f"securechat://localhost:1/{CODE}#{PIN}", JoinLink("localhost", 1, CODE, PIN)),
        (f"securechat://192.0.2.7:65535/{CODE}#{PIN}", JoinLink("192.0.2.7", 65535, CODE, PIN)),
        (f"securechat://[2001:db8::1]:6697/{CODE}#{PIN}", JoinLink("2001:db8::1", 6697, CODE, PIN)),
        (f"securechat://xn--bcher-kva.example:6697/{CODE}#{PIN}", JoinLink("xn--bcher-kva.example", 6697, CODE, PIN)),
    ],
)
def test_what_a_link_says(text: str, link: JoinLink) -> None:
    assert JoinLink.parse(text) == link
    assert link.format() == text


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (f"SecureChat://Chat.Example.ORG:6697/{CODE}#{PIN.upper()}", "chat.example.org"),
        (f"securechat://[2001:DB8:0:0::1]:6697/{CODE}#{PIN}", "2001:db8::1"),
    ],
)
def test_what_is_the_same_link(text: str, host: str) -> None:
    assert JoinLink.parse(text) == JoinLink(host, 6697, CODE, PIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "securechat://",
        CODE,
        f"https://chat.example.org:6697/{CODE}#{PIN}",
        f"securechat:chat.example.org:6697/{CODE}#{PIN}",
        f" securechat://chat.example.org:6697/{CODE}#{PIN}",
        f"securechat://chat.example.org:6697/{CODE}#{PIN}\n",
        f"securechat://chat.example.org/{CODE}#{PIN}",
        f"securechat://chat.example.org:/{CODE}#{PIN}",
        f"securechat://chat.example.org:0/{CODE}#{PIN}",
        f"securechat://chat.example.org:06697/{CODE}#{PIN}",
        f"securechat://chat.example.org:+6697/{CODE}#{PIN}",
        f"securechat://chat.example.org:65536/{CODE}#{PIN}",
        f"securechat://chat.example.org:٦٦٩٧/{CODE}#{PIN}",
        f"securechat://:6697/{CODE}#{PIN}",
        f"securechat://.example.org:6697/{CODE}#{PIN}",
        f"securechat://chat.example.org.:6697/{CODE}#{PIN}",
        f"securechat://-chat.example.org:6697/{CODE}#{PIN}",
        f"securechat://chat_.example.org:6697/{CODE}#{PIN}",
        f"securechat://bücher.example:6697/{CODE}#{PIN}",
        f"securechat://{'a' * 64}.example:6697/{CODE}#{PIN}",
        f"securechat://{'a.' * 127}:6697/{CODE}#{PIN}",
        f"securechat://me@chat.example.org:6697/{CODE}#{PIN}",
        f"securechat://1.2.3:6697/{CODE}#{PIN}",
        f"securechat://0x7f:6697/{CODE}#{PIN}",
        f"securechat://2001:db8::1:6697/{CODE}#{PIN}",
        f"securechat://[chat.example.org]:6697/{CODE}#{PIN}",
        f"securechat://[192.0.2.7]:6697/{CODE}#{PIN}",
        f"securechat://[fe80::1%eth0]:6697/{CODE}#{PIN}",
        f"securechat://[::1:6697/{CODE}#{PIN}",
        f"securechat://[]:6697/{CODE}#{PIN}",
        f"securechat://chat.example.org:6697/{CODE[:-1]}#{PIN}",
        f"securechat://chat.example.org:6697/{CODE}x#{PIN}",
        f"securechat://chat.example.org:6697/{CODE[:-1]}=#{PIN}",
        f"securechat://chat.example.org:6697/{CODE[:-1]}é#{PIN}",
        f"securechat://chat.example.org:6697/{CODE}/#{PIN}",
        f"securechat://chat.example.org:6697/{CODE}?a=b#{PIN}",
        f"securechat://chat.example.org:6697/{CODE}",
        f"securechat://chat.example.org:6697/{CODE}#",
        f"securechat://chat.example.org:6697/{CODE}#{PIN[:-1]}",
        f"securechat://chat.example.org:6697/{CODE}#{PIN}0",
        f"securechat://chat.example.org:6697/{CODE}#{PIN[:-1]}g",
        f"securechat://chat.example.org:6697/{CODE}##{PIN}",
        f"securechat://chat.example.org:6697/{CODE}#systems",
        f"securechat://chat.example.org:6697/{CODE}#{PIN}" + " " * MAX_LINK,
    ],
)
def test_what_is_no_link(text: str) -> None:
    with pytest.raises(LinkError) as caught:
        JoinLink.parse(text)
    assert CODE[:10] not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("host", "port", "code", "pinned"),
    [
        ("Chat.Example.org", 6697, CODE, PIN),
        ("chat.example.org/", 6697, CODE, PIN),
        ("chat.example.org", 0, CODE, PIN),
        ("chat.example.org", 65536, CODE, PIN),
        ("chat.example.org", 6697, CODE + "#", PIN),
        ("chat.example.org", 6697, CODE, PIN.upper()),
        ("chat.example.org", 6697, CODE, ""),
    ],
)
def test_what_can_be_no_part_of_one(host: str, port: int, code: str, pinned: str) -> None:
    with pytest.raises(LinkError):
        JoinLink(host, port, code, pinned)


def test_the_code_is_not_shown() -> None:
    link = JoinLink("chat.example.org", 6697, CODE, PIN)
    assert CODE not in repr(link)
    assert CODE not in str(link)


@settings(max_examples=200)
@given(_links)
def test_a_link_is_what_it_was_made_of(link: JoinLink) -> None:
    text = link.format()
    assert len(text) <= MAX_LINK
    assert text.isascii()
    assert JoinLink.parse(text) == link


_mutations = st.builds(
    lambda text, at, new: text[: at % len(text)] + new + text[at % len(text) + 1 :],
    _links.map(JoinLink.format),
    st.integers(0, MAX_LINK),
    st.text("[]:/#@%?.\0 ٣é0a-_", max_size=3),
)


@settings(max_examples=300)
@given(st.text(max_size=60) | _mutations)
def test_whatever_is_read_is_a_link_or_an_error(text: str) -> None:
    with suppress(LinkError):
        link = JoinLink.parse(text)
        assert JoinLink.parse(link.format()) == link


@settings(max_examples=200)
@given(st.text(max_size=40) | _hosts | st.from_regex(r"[0-9a-fA-F:.%x-]{1,40}", fullmatch=True))
def test_a_plain_host_stays_as_it_is(text: str) -> None:
    host = plain_host(text)
    assert host is None or plain_host(host) == host


def test_codes() -> None:
    assert is_code(CODE)
    assert not is_code(CODE + "\n")
    assert not is_code("")
