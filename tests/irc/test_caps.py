"""Capability negotiation, case by case as its specification has them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.caps import CAPABILITIES, OFFERS, Negotiation
from securechat.irc.errors import InvalidCapCommandError, NotEnoughParametersError, ProtocolError
from securechat.irc.message import Message

ROOM = 470
SOME = {"multi-prefix": "", "sasl": "PLAIN,EXTERNAL", "batch": ""}


def ask(negotiation: Negotiation, *params: str, room: int = ROOM) -> list[list[str]]:
    """The answer to `CAP` with these parameters."""
    return negotiation.handle(list(params), room)


def test_ls_without_a_version_has_no_values() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "LS") == [["LS", "multi-prefix sasl batch"]]
    assert negotiation.version == 0
    assert negotiation.enabled == set()


def test_ls_302_has_values_and_implies_cap_notify() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "LS", "302") == [["LS", "multi-prefix sasl=PLAIN,EXTERNAL batch"]]
    assert negotiation.enabled == {"cap-notify"}


def test_a_higher_version_is_treated_as_302() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "LS", "307") == [["LS", "multi-prefix sasl=PLAIN,EXTERNAL batch"]]
    assert negotiation.version == 307


def test_a_lower_version_is_answered_but_not_stored() -> None:
    negotiation = Negotiation(SOME)
    ask(negotiation, "LS", "302")
    assert ask(negotiation, "LS") == [["LS", "multi-prefix sasl batch"]]
    assert negotiation.version == 302
    assert ask(negotiation, "LS", "301") == [["LS", "multi-prefix sasl batch"]]
    assert negotiation.version == 302
    assert "cap-notify" in negotiation.enabled


@pytest.mark.parametrize("version", ["x", "", "-302", "３０２", "3e9", "302 "])
def test_a_version_that_is_no_number_is_none(version: str) -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "LS", version) == [["LS", "multi-prefix sasl batch"]]
    assert negotiation.version == 0


def test_nothing_to_offer() -> None:
    assert ask(Negotiation({}), "LS") == [["LS", ""]]
    assert ask(Negotiation({}), "LS", "302") == [["LS", ""]]


def test_several_lines_only_for_302() -> None:
    negotiation = Negotiation({f"example.org/capability-{number}": "" for number in range(10)})
    lines = ask(negotiation, "LS", "302", room=100)
    assert len(lines) > 2
    assert all(line[:2] == ["LS", "*"] and len(line) == 3 for line in lines[:-1])
    assert len(lines[-1]) == 2
    assert " ".join(line[-1] for line in lines).split() == list(negotiation.offers)
    for line in lines:
        assert len(Message("CAP", line).serialise().removeprefix("CAP ")) <= 100

    ask(negotiation, "REQ", " ".join(negotiation.offers))
    listed = ask(negotiation, "LIST", room=100)
    assert all(line[:2] == ["LIST", "*"] for line in listed[:-1])
    assert set(" ".join(line[-1] for line in listed).split()) == {*negotiation.offers, "cap-notify"}

    older = Negotiation(negotiation.offers)
    (line,) = ask(older, "LS", room=100)
    assert line[0] == "LS"
    assert len(line) == 2
    assert list(negotiation.offers)[: len(line[1].split())] == line[1].split()
    ask(older, "REQ", " ".join(negotiation.offers))
    (line,) = ask(older, "LIST", room=100)
    assert len(line) == 2


def test_list() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "LIST") == [["LIST", ""]]
    ask(negotiation, "REQ", "sasl batch")
    assert ask(negotiation, "LIST") == [["LIST", "batch sasl"]]
    ask(negotiation, "LS", "302")
    assert ask(negotiation, "LIST") == [["LIST", "batch cap-notify sasl"]]  # never with values


def test_req() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "REQ", "multi-prefix sasl") == [["ACK", "multi-prefix sasl"]]
    assert negotiation.enabled == {"multi-prefix", "sasl"}
    assert ask(negotiation, "REQ", "-multi-prefix batch") == [["ACK", "-multi-prefix batch"]]
    assert negotiation.enabled == {"sasl", "batch"}


def test_what_is_so_already_is_granted() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "REQ", "sasl sasl") == [["ACK", "sasl sasl"]]
    assert ask(negotiation, "REQ", "sasl -batch") == [["ACK", "sasl -batch"]]
    assert negotiation.enabled == {"sasl"}


def test_req_goes_from_left_to_right() -> None:
    negotiation = Negotiation(SOME)
    ask(negotiation, "REQ", "sasl -sasl batch")
    assert negotiation.enabled == {"batch"}
    ask(negotiation, "REQ", "-batch batch")
    assert negotiation.enabled == {"batch"}


@pytest.mark.parametrize(
    "request_",
    ["multi-prefix sasl ex3", "-ex3", "-batch ex3", "sasl=PLAIN", "SASL", "--sasl", "-", "sasl\tbatch", "sasl,batch"],
)
def test_all_or_nothing(request_: str) -> None:
    negotiation = Negotiation(SOME)
    ask(negotiation, "REQ", "batch")
    assert ask(negotiation, "REQ", request_) == [["NAK", request_]]
    assert negotiation.enabled == {"batch"}


def test_spaces_and_a_forgotten_colon() -> None:
    negotiation = Negotiation(SOME)
    assert ask(negotiation, "REQ", "sasl  batch ") == [["ACK", "sasl  batch"]]
    assert ask(negotiation, "REQ", "sasl", "multi-prefix") == [["ACK", "sasl multi-prefix"]]
    assert negotiation.enabled == {"sasl", "batch", "multi-prefix"}
    assert ask(negotiation, "REQ", "") == [["ACK", ""]]
    assert ask(negotiation, "REQ", " " * (ROOM + 1)) == [["ACK", ""]]


def test_cap_notify_under_302_can_not_be_disabled() -> None:
    negotiation = Negotiation(SOME)  # which do not list it
    ask(negotiation, "LS", "302")
    assert ask(negotiation, "REQ", "cap-notify") == [["ACK", "cap-notify"]]
    assert ask(negotiation, "REQ", "sasl -cap-notify") == [["NAK", "sasl -cap-notify"]]
    assert negotiation.enabled == {"cap-notify"}


def test_cap_notify_without_302_is_like_any_other() -> None:
    negotiation = Negotiation({**SOME, "cap-notify": ""})
    assert ask(negotiation, "REQ", "cap-notify") == [["ACK", "cap-notify"]]
    assert ask(negotiation, "REQ", "-cap-notify") == [["ACK", "-cap-notify"]]
    assert negotiation.enabled == set()
    assert ask(Negotiation(SOME), "REQ", "cap-notify") == [["NAK", "cap-notify"]]


def test_an_answer_too_long_for_a_line_comes_in_several() -> None:
    negotiation = Negotiation(SOME)
    request = " ".join(["sasl", "batch", "-sasl"] * 30)
    lines = ask(negotiation, "REQ", request, room=100)
    assert len(lines) > 1
    assert {line[0] for line in lines} == {"ACK"}
    assert " ".join(line[1] for line in lines) == request
    assert negotiation.enabled == {"batch"}
    for line in lines:
        assert len(Message("CAP", line).serialise().removeprefix("CAP ")) <= 100

    lines = ask(negotiation, "REQ", request + " ex3", room=100)
    assert {line[0] for line in lines} == {"NAK"}
    assert negotiation.enabled == {"batch"}


def test_a_word_too_long_for_a_line_is_cut() -> None:
    assert ask(Negotiation(SOME), "REQ", "é" * 200, room=100) == [["NAK", "é" * 47]]


def test_registration_waits_from_ls_or_req_to_end() -> None:
    for subcommand in ("LS", "REQ"):
        negotiation = Negotiation(SOME)
        waits = []
        for params in (["LIST"], [subcommand, "ex3"], ["LIST"], ["END"], ["END"]):
            answer = ask(negotiation, *params)
            assert bool(answer) == (params != ["END"])
            waits.append(negotiation.negotiating)
        assert waits == [False, True, True, False, False]


@pytest.mark.parametrize("subcommand", ["FOO", "ACK", "NAK", "NEW", "DEL", "CLEAR", "", "REQ"])
def test_invalid_subcommands(subcommand: str) -> None:
    negotiation = Negotiation(SOME)
    with pytest.raises(InvalidCapCommandError) as caught:
        ask(negotiation, subcommand)
    (answer,) = caught.value.answers
    assert answer.render("*") == f"410 * {subcommand or '*'} :Invalid CAP command"
    assert not negotiation.negotiating


def test_no_subcommand() -> None:
    with pytest.raises(NotEnoughParametersError):
        ask(Negotiation(SOME))


def test_subcommands_in_any_case() -> None:
    assert ask(Negotiation(SOME), "ls") == [["LS", "multi-prefix sasl batch"]]


def test_labels_need_batches() -> None:
    negotiation = Negotiation()
    ask(negotiation, "REQ", "labeled-response")
    assert not negotiation.has("labeled-response")
    ask(negotiation, "REQ", "batch")
    assert negotiation.has("labeled-response")
    ask(negotiation, "REQ", "-batch")
    assert not negotiation.has("labeled-response")
    assert not negotiation.has("batch")


def test_new_and_del() -> None:
    negotiation = Negotiation(SOME)
    ask(negotiation, "LS", "302")
    ask(negotiation, "REQ", "multi-prefix sasl")
    changed = {"sasl": "PLAIN", "batch": "", "away-notify": ""}
    assert negotiation.offer(changed, ROOM) == [["DEL", "multi-prefix"], ["NEW", "sasl=PLAIN away-notify"]]
    assert negotiation.enabled == {"sasl", "cap-notify"}
    assert ask(negotiation, "REQ", "multi-prefix") == [["NAK", "multi-prefix"]]
    assert negotiation.offer(changed, ROOM) == []


def test_new_and_del_without_302() -> None:
    negotiation = Negotiation({**SOME, "cap-notify": ""})
    ask(negotiation, "REQ", "cap-notify sasl")
    # No values for those who do not know them, so nothing to say about one that has changed.
    changed = {"sasl": "PLAIN", "batch": "", "cap-notify": "", "x": "y"}
    assert negotiation.offer(changed, ROOM) == [["DEL", "multi-prefix"], ["NEW", "x"]]
    assert negotiation.offer({"x": "y"}, ROOM) == [["DEL", "sasl batch cap-notify"]]
    assert negotiation.enabled == set()


def test_new_and_del_are_not_for_those_who_did_not_ask() -> None:
    negotiation = Negotiation(SOME)
    ask(negotiation, "REQ", "sasl")
    assert negotiation.offer({"x": ""}, ROOM) == []
    assert negotiation.enabled == set()
    assert ask(negotiation, "LS") == [["LS", "x"]]


def test_cap_notify_is_not_taken_from_302() -> None:
    negotiation = Negotiation()
    ask(negotiation, "LS", "302")
    assert negotiation.offer({**SOME, "cap-notify": ""}, ROOM)[0][0] == "DEL"
    assert negotiation.offer(SOME, ROOM) == []
    assert negotiation.enabled == {"cap-notify"}


def test_the_list() -> None:
    assert list(CAPABILITIES) == sorted(CAPABILITIES)
    for name, capability in CAPABILITIES.items():
        assert capability.name == name
        assert set(capability.requires) <= set(CAPABILITIES)
        assert " " not in name
        assert "=" not in name
        assert not name.startswith("-")
    assert OFFERS["sasl"] == "PLAIN"
    # All names that are no drafts in the one line that clients before 302 get.
    (line,) = ask(Negotiation(), "LS", room=510 - len(":irc.example.org CAP * "))
    ratified = [name for name in OFFERS if "/" not in name]
    assert line[1].split()[: len(ratified)] == ratified


def test_what_is_not_ready_is_not_offered() -> None:
    assert set(OFFERS) == {name for name, capability in CAPABILITIES.items() if capability.ready}
    for name in CAPABILITIES:
        ((answer, _),) = ask(Negotiation(), "REQ", name)
        assert answer == ("ACK" if name in OFFERS else "NAK")


def test_drafts_are_what_an_old_client_is_not_told() -> None:
    negotiation = Negotiation(dict.fromkeys(("batch", "draft/a", "draft/b", "draft/c", "sasl"), ""))
    (line,) = ask(negotiation, "LS", room=30)
    assert line[1] == "batch sasl draft/a"
    assert [line[-1] for line in ask(negotiation, "LS", "302", room=30)] == ["batch draft/a draft/b", "draft/c sasl"]


_words = st.sampled_from(
    ["LS", "302", "LIST", "REQ", "END", "sasl", "-sasl", "batch -cap-notify", " ex3", "", "é" * 99]
)


@given(st.lists(st.lists(st.one_of(_words, st.text(max_size=12)), max_size=4), max_size=8))
@settings(max_examples=150)
def test_only_the_peers_mistakes_escape(requests: list[list[str]]) -> None:
    negotiation = Negotiation(SOME)
    for params in requests:
        before = negotiation.version
        try:
            for line in ask(negotiation, *params, room=90):
                assert len(" ".join(line).encode()) + 1 <= 90
        except ProtocolError:
            pass
        assert negotiation.version >= before
        assert negotiation.enabled <= {*SOME, "cap-notify"}
        assert ("cap-notify" in negotiation.enabled) == (negotiation.version >= 302)
