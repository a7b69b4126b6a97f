"""A message that was taken back is in no file of a real server: also when it was killed before it had come to that."""

from collections.abc import Sequence

from tests.e2e.servers import Place, running
from tests.e2e.wires import CAPABILITIES, Chatter

CAPS = (*CAPABILITIES, "draft/message-redaction")

SECRETS = ("zvshortqk", "zvlongqk", "zvprivateqk", "zvheldqk")


def found(place: Place, words: Sequence[str]) -> set[str]:
    """Those that are anywhere in the bytes of any file in the data directory; without the two letters that all begin
    with, for an index may have these only once."""
    files = [file for file in place.data.path.iterdir() if file.is_file()]
    data = b"\0".join(file.read_bytes().lower() for file in files)
    return {word for word in words if word[2:].encode() in data}


def test_the_next_server_erases_what_a_killed_one_could_not(place: Place) -> None:
    with (
        running(place) as server,
        Chatter(server, "alice", capabilities=CAPS, join="#tea") as alice,
        Chatter(server, "bob", capabilities=CAPS, join="#tea") as bob,
    ):
        ids = [
            ("#tea", alice.say("#tea", "zvshortqk").tags["msgid"]),
            ("#tea", alice.say("#tea", f"zvlongqk {'x' * 400}").tags["msgid"]),
            ("bob", alice.say("bob", "zvprivateqk").tags["msgid"]),
            ("carol", alice.say("carol", "zvheldqk").tags["msgid"]),
        ]
        alice.say("#tea", "zvkeptqk")
        for target, id in ids:
            alice.send(f"REDACT {target} {id} :never mind")
            alice.expect("REDACT", target, id)
        for target, id in ids[:3]:
            bob.expect("REDACT", target, id, "never mind")
        server.kill()
        for chatter in (alice, bob):
            chatter.until_cut_off()
    assert found(place, SECRETS) == set(SECRETS), "else this shows nothing"

    with running(place) as server:
        assert server.logged("messages erased")["number"] == len(SECRETS)
        assert found(place, SECRETS) == set()
        with Chatter(server, "carol", capabilities=CAPS) as carol:
            assert not any("zvheldqk" in line for line in carol.lines)
        assert found(place, SECRETS) == set()
        output = server.output
    assert found(place, SECRETS) == set()
    assert found(place, ["zvkeptqk"]) == {"zvkeptqk"}
    assert b"zv" not in output
