"""SCRAM-SHA-256: the vector of RFC 7677, authzids, and what hostile clients send."""

import base64
import hashlib
import hmac
import importlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.errors import SaslFailedError
from securechat.irc.sasl import Challenge
from securechat.server.scram_exchange import NAME, Keys, Scram, ScramCredentials, available, keys_of

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
ROUNDS = 4096
PASSWORD = "pencil"


def keys(password: str = PASSWORD) -> Keys:
    found = keys_of(password, SALT, ROUNDS)
    assert found is not None
    return found


KEYS = keys()


class Server:
    """The server's half with one user, whose password is PASSWORD. `asked`: whom it has looked up, and judged."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.scram = Scram(self._look_up, self._judge)
        assert self.scram.start() == Challenge()

    def _look_up(self, name: str) -> Keys:
        self.asked.append((name,))
        return KEYS

    def _judge(self, authzid: str, authcid: str, right: Callable[[], bool]) -> None:
        self.asked.append((authzid, authcid))
        if not right():
            raise SaslFailedError("wrong")

    def say(self, message: str | bytes) -> str:
        """Its answer, which has to be another challenge."""
        outcome = self.scram.step(message.encode() if isinstance(message, str) else message)
        assert isinstance(outcome, Challenge)
        return outcome.data.decode()


def final(first: str, challenge: str, *, password: str = PASSWORD, binding: str = "") -> str:
    """A client's last message, from RFC 5802 section 3, without the library. `first`: its whole first one."""
    header, bare = first[: first.index("n=", 2)], first[first.index("n=", 2) :]
    fields = dict(field.split("=", 1) for field in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    without_proof = f"c={binding or base64.b64encode(header.encode()).decode()},r={fields['r']}"
    message = f"{bare},{challenge},{without_proof}".encode()
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return f"{without_proof},p={base64.b64encode(proof).decode()}"


def test_it_is_there() -> None:
    assert available()


def test_the_keys_of_the_vector() -> None:
    """RFC 7677 section 3 has the exchange; what the server keeps follows from it (RFC 5802 section 3)."""
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert keys() == (SALT, stored, hmac.digest(salted, b"Server Key", "sha256"), ROUNDS)


def test_the_server_of_the_vector() -> None:
    """The nonces are drawn by lot here, so the signature is computed anew: with those of the vector it is its own."""
    first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    proof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert final(first, challenge) == proof
    server = Server()
    challenge = server.say(first)
    verdict = server.say(final(first, challenge))
    signed = f"n=user,r=rOprNGfwEbeRWgbNEkqO,{challenge},c=biws,r={challenge[2:].partition(',')[0]}".encode()
    assert base64.b64decode(verdict.removeprefix("v=")) == hmac.digest(KEYS[2], signed, "sha256")
    assert server.scram.step(b"") == ScramCredentials("", "user")


@pytest.mark.parametrize("flag", ["n", "y"])
def test_a_client_of_the_library(flag: str) -> None:
    """One that would bind to the channel says ``y`` where the server does not offer it."""
    binding = ("tls-unique", b"x") if flag == "y" else None
    scramp: Any = importlib.import_module("scramp")
    client, server = scramp.ScramClient([NAME], "alice@phone", PASSWORD, channel_binding=binding), Server()
    first = client.get_client_first()
    assert first.startswith(f"{flag},,")
    client.set_server_first(server.say(first))
    client.set_server_final(server.say(client.get_client_final()))
    assert server.scram.step(b"") == ScramCredentials("", "alice@phone")
    assert server.asked == [("alice@phone",), ("", "alice@phone")]


@pytest.mark.parametrize("authzid", ["alice", "alice@phone", "a=2Cb=3Dc"])
def test_with_an_authzid(authzid: str) -> None:
    """As in the example of IRCv3's SASL 3.1."""
    server = Server()
    first = f"n,a={authzid},n=alice,r=nonce"
    server.say(final(first, server.say(first)))
    name = authzid.replace("=2C", ",").replace("=3D", "=")
    assert server.scram.step(b"") == ScramCredentials(name, "alice")


def test_another_authzid_in_the_proof_than_at_first() -> None:
    server = Server()
    first = "n,a=alice,n=alice,r=nonce"
    with pytest.raises(SaslFailedError):
        server.say(final(first, server.say(first), binding=base64.b64encode(b"n,a=bob,").decode()))


def test_a_wrong_password() -> None:
    server = Server()
    first = "n,,n=alice,r=nonce"
    with pytest.raises(SaslFailedError):
        server.say(final(first, server.say(first), password="pencils"))


@pytest.mark.parametrize(
    "first",
    [
        "",
        "n",
        "n,,",
        "n,,n=alice",
        "n,,r=nonce,n=alice",
        "n,,n=,r=nonce",
        "n,,n=alice,r=",
        "n,,n=ali=ce,r=nonce",
        "n,,n=alice,r=non\u00e9ce",
        "n,,m=x,n=alice,r=nonce",
        "n,,n=alice,n=bob,r=nonce",
        "n,a=,n=alice,r=nonce",
        "n,a=ali=ce,n=alice,r=nonce",
        "n,b=alice,n=alice,r=nonce",
        "p=tls-unique,,n=alice,r=nonce",
        "p=tls-exporter,,n=alice,r=nonce",
        "p=x,,n=alice,r=nonce",
        "q,,n=alice,r=nonce",
        "n=alice,r=nonce",
        "n,,n=\u0378,r=nonce",
        "n,,n=\u200f1,r=nonce",
        "n,,n=a\0,r=nonce",
        b"n,,n=al\xffice,r=nonce",
        f"n,a={'a' * 256},n=alice,r=nonce",
        "\n",
        ",,,",
    ],
)
def test_first_messages_that_are_none(first: str | bytes) -> None:
    server = Server()
    with pytest.raises(SaslFailedError):
        server.say(first)


CHANGES: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "nonce changed": lambda text: text.replace("r=nonce", "r=nonse"),
    "nonce cut": lambda text: text.replace(text.split(",")[1], "r=nonce"),
    "nonce missing": lambda text: ",".join(text.split(",")[::2]),
    "binding empty": lambda text: text.replace("biws", ""),
    "binding of p": lambda text: text.replace("biws", base64.b64encode(b"p=tls-unique,,").decode()),
    "binding of y": lambda text: text.replace("biws", base64.b64encode(b"y,,").decode()),
    "binding no Base64": lambda text: text.replace("biws", "???"),
    "binding not ASCII": lambda text: text.replace("biws", "é"),
    "proof empty": lambda text: text.partition(",p=")[0] + ",p=",
    "proof missing": lambda text: text.partition(",p=")[0],
    "proof short": lambda text: text.partition(",p=")[0] + ",p=AAAA",
    "proof long": lambda text: text.partition(",p=")[0] + ",p=" + "AAAA" * 1000,
    "proof zero": lambda text: text.partition(",p=")[0] + ",p=" + base64.b64encode(bytes(32)).decode(),
    "proof no Base64": lambda text: text.partition(",p=")[0] + ",p=!",
    "proof twice": lambda text: f"{text},p={text.partition(',p=')[2]}",
    "something behind": lambda text: f"{text},x=1",
    "something before": lambda text: text.replace(",p=", ",m=1,p="),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_last_messages_that_are_none(change: Callable[[str], str]) -> None:
    first = "n,,n=alice,r=nonce"
    server = Server()
    good = final(first, server.say(first))
    changed = change(good)
    assert changed != good
    with pytest.raises(SaslFailedError):
        server.say(changed)


def test_the_end_is_an_empty_response() -> None:
    server = Server()
    first = "n,,n=alice,r=nonce"
    server.say(final(first, server.say(first)))
    with pytest.raises(SaslFailedError):
        server.scram.step(b"more")


def test_nothing_comes_after_the_end() -> None:
    server = Server()
    first = "n,,n=alice,r=nonce"
    server.say(final(first, server.say(first)))
    server.scram.step(b"")
    with pytest.raises(SaslFailedError):
        server.scram.step(b"")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.text(alphabet="nyp,=a rm\0xé\u0378", max_size=40).map(str.encode)), st.data()
)
def test_whatever_a_client_sends(message: bytes, data: st.DataObject) -> None:
    server = Server()
    try:
        if data.draw(st.booleans()):
            server.say("n,,n=alice,r=nonce")
        server.say(message)
    except SaslFailedError:
        return
    assert not any(len(asked) == 2 for asked in server.asked)  # nothing of this is a proof


@pytest.mark.parametrize("password", ["\u0378", "👩‍🚀", "\u05d0x", "tab\t"])
def test_what_saslprep_does_not_take_has_no_keys(password: str) -> None:
    assert keys_of(password, SALT, ROUNDS) is None


def test_passwords_are_prepared() -> None:
    assert keys("cafe\u0301") == keys("caf\u00e9")
    assert keys("two\u00a0words") == keys("two words")


def test_nothing_secret_is_shown() -> None:
    server = Server()
    first = "n,,n=alice,r=nonce"
    server.say(final(first, server.say(first)))
    assert "pencil" not in repr(server.scram.step(b""))
