"""What an IRC client has missed, which asks for nothing, stands in its windows as if it had been there."""

from pathlib import Path

import pytest

from tests.clients.programs import IrcClient
from tests.clients.tmux import Tmux
from tests.e2e.servers import Server
from tests.e2e.wires import Chatter

pytestmark = pytest.mark.clients

CAPABILITIES = ("echo-message", "draft/multiline", "batch")


def test_is_shown_what_it_missed(kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path) -> None:
    before = kind(tmux, server, "bob", tmp_path / "before")
    before.look_at("#lobby")
    before.say("bis gleich")
    before.sees("said", nick="bob", text="bis gleich")
    before.leave("kurz weg")
    with Chatter(server, "carol", capabilities=CAPABILITIES, join="#lobby") as carol:
        carol.say("#lobby", "wo ist denn der Bob? 🦊")
        carol.say("#lobby", "\x01ACTION wundert sich\x01")
        carol.send("BATCH +1 draft/multiline #lobby", "@batch=1 PRIVMSG #lobby :eins", "@batch=1 PRIVMSG #lobby :zwei")
        carol.send("BATCH -1")
        carol.expect("BATCH")
        carol.say("bob", "lies das 📬")
        bob = kind(tmux, server, "bob", tmp_path / "bob")
        bob.look_at("#lobby")
        for text in ("wo ist denn der Bob? 🦊", "eins", "zwei"):
            bob.sees("said", nick="carol", text=text)
        bob.sees("action", nick="carol", text="wundert sich")
        carol.say("#lobby", "da ist er ja")
        bob.sees("said", nick="carol", text="da ist er ja")
        texts = ["wo ist denn", "wundert sich", "eins", "zwei", "da ist er ja"]
        screen = bob.pane.screen()
        assert sorted(texts, key=screen.index) == texts
        assert "bis gleich" not in screen
        bob.look_at("carol")
        bob.sees("said", nick="carol", text="lies das 📬")
        bob.review()
        bob.leave("")
