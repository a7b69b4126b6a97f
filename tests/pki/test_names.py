"""Host and account names: what is accepted, and what it becomes."""

import string
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from securechat.pki import InvalidRequestError, account_file_name, account_uri, fold_account, parse_host
from securechat.pki.names import account_of_uri

FIRST = string.ascii_letters + "_[]\\^{}|`"
ACCOUNTS = st.builds(
    lambda first, rest: first + rest, st.sampled_from(FIRST), st.text(FIRST + string.digits + "-", max_size=31)
)


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("localhost", "localhost"),
        ("Chat.Example.ORG", "chat.example.org"),
        ("chat.example.org.", "chat.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("xn--fa-hia.de", "xn--fa-hia.de"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("3com.example", "3com.example"),
        ("127.0.0.1", IPv4Address("127.0.0.1")),
        ("::1", IPv6Address("::1")),
        ("2001:DB8:0::1", IPv6Address("2001:db8::1")),
    ],
)
def test_a_host_has_one_form(typed: str, host: object) -> None:
    assert parse_host(typed) == host


@pytest.mark.parametrize(
    "typed",
    [
        "",
        ".",
        " ",
        "a b",
        "a..b",
        ".example",
        "-a.example",
        "a-.example",
        "a_b.example",
        "*.example.org",
        "example.org:6697",
        "https://example.org",
        "[::1]",
        "fe80::1%eth0",
        "0.0.0.0",  # noqa: S104
        "::",
        "224.0.0.1",
        "ff02::1",
        "127.1",
        "256.1.1.1",
        "1.2.3.4.5",
        "example.0x7f",
        "１２７.0.0.1",
        "straße.example",
        "xn--.example",
        "xn--abc-.example",
        "xn---1bz.example",
        "xn--99999999999.example",
        "a" * 64 + ".example",
        ".".join(["a" * 49] * 6),
        "localhost\n",
        "local\0host",
        "\ud800.example",
        "ü" * 100_000,
    ],
)
def test_nonsense_is_no_host(typed: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_host(typed)


def test_the_longest_name_has_253_characters() -> None:
    longest = ".".join(["a" * 49] * 5 + ["abc"])
    assert len(longest) == 253
    assert parse_host(longest) == longest
    with pytest.raises(InvalidRequestError):
        parse_host(longest + "d")


@settings(max_examples=150)
@given(st.text(max_size=40) | st.from_regex(r"(xn--)?[a-z0-9\-]{0,20}(\.[a-z0-9é\-]{1,9}){0,3}\.?", fullmatch=True))
@example("xn--a-")
def test_any_text_is_a_host_for_good_or_refused(typed: str) -> None:
    try:
        host = parse_host(typed)
    except InvalidRequestError:
        return
    assert parse_host(str(host)) == host
    assert str(host).isascii()


@given(st.ip_addresses().filter(lambda address: not (address.is_multicast or address.is_unspecified)))
def test_every_address_of_a_machine_is_a_host(address: IPv4Address | IPv6Address) -> None:
    assert parse_host(str(address)) == address


@pytest.mark.parametrize(
    "name",
    ["", "1a", "-a", "a" * 33, "a b", "a.b", "a/b", "..", "ä", "a\n", "a\0", "a%41", "a:b", "a@phone", "\u212a", "~a"],
)
def test_what_is_no_account_name(name: str) -> None:
    for function in (fold_account, account_file_name, account_uri):
        with pytest.raises(InvalidRequestError, match="not an account name"):
            function(name)


def test_spellings_of_one_account_are_one() -> None:
    assert fold_account("ALICE") == fold_account("alice") == "alice"
    assert account_file_name("Alice") == account_file_name("aLICE") == "alice.pem"
    assert account_uri("Alice") == account_uri("alice") == "securechat:account:alice"
    assert fold_account("a[") != fold_account("a{")


def test_awkward_characters_are_encoded() -> None:
    assert account_file_name("a|`\\^[]{}-_1") == "a%7C%60%5C%5E%5B%5D%7B%7D-_1.pem"
    assert account_uri("[bot]") == "securechat:account:%5Bbot%5D"


@given(ACCOUNTS, ACCOUNTS)
def test_accounts_share_a_file_and_a_uri_exactly_if_they_are_one(first: str, second: str) -> None:
    same = fold_account(first) == fold_account(second)
    assert (account_file_name(first) == account_file_name(second)) is same
    assert (account_uri(first) == account_uri(second)) is same


@given(ACCOUNTS)
def test_an_account_survives_its_uri_and_its_file_name_stays_in_its_directory(name: str) -> None:
    assert account_of_uri(account_uri(name)) == fold_account(name)
    file_name = account_file_name(name)
    assert Path(file_name).name == file_name
    assert set(file_name) <= set(string.ascii_letters + string.digits + "-_%.")
    assert len(file_name) <= 100


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.org/alice",
        "securechat:account:",
        "securechat:account:Alice",
        "securechat:account:%61lice",
        "securechat:account:[bot]",
        "securechat:account:%5bbot%5d",
        "securechat:account:al%00ice",
        "securechat:account:alice\n",
        "SECURECHAT:account:alice",
        "",
    ],
)
def test_a_uri_spelt_otherwise_is_no_account(uri: str) -> None:
    assert account_of_uri(uri) is None


@given(st.text(max_size=30))
def test_any_other_uri_does_no_harm(tail: str) -> None:
    name = account_of_uri("securechat:account:" + tail)
    assert name is None or account_uri(name).endswith(tail)
