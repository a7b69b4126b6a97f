"""LIST with its conditions (Modern IRC, "LIST message"; ISUPPORT ELIST)."""

import pytest

from tests.server.wire import Client, Opener, commands, one, params


@pytest.fixture
def client(opened: Opener) -> Client:
    """In `#List1` with another, whose alone `#list2` is, with a topic, and `#Other`, without."""
    first, second = opened.pair("#List1")
    first.join("#list2", "#Other")
    first.ask("TOPIC #list2 :a topic")
    return second


def names(client: Client, line: str) -> list[str]:
    """The channels with which a LIST is answered, after a beginning and before an end."""
    answers = client.ask(line)
    assert commands(answers)[0] == "321"
    assert commands(answers)[-1] == "323"
    assert set(commands(answers[1:-1])) <= {"322"}
    return [message.params[1] for message in answers[1:-1]]


def test_all_channels(client: Client) -> None:
    answers = client.ask("LIST")
    assert commands(answers) == ["321", "322", "322", "322", "323"]
    assert answers[0].params == [client.nick, "Channel", "Users  Name"]
    assert params(answers, "322") == [
        [client.nick, "#List1", "2", ""],
        [client.nick, "#list2", "1", "a topic"],
        [client.nick, "#Other", "1", ""],
    ]
    assert answers[-1].params == [client.nick, "End of /LIST"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("LIST :", ["#List1", "#list2", "#Other"]),
        ("LIST #LIST2", ["#list2"]),
        ("LIST #list2,#nowhere,#list1", ["#list2", "#List1"]),
        ("LIST #list2,#LIST2", ["#list2"]),
        ("LIST #nowhere", []),
        ("LIST foo", []),
        ("LIST #list2 irc.example.org", ["#list2"]),
        # M: masks, which match whole names, in any case
        ("LIST *", ["#List1", "#list2", "#Other"]),
        ("LIST #list*", ["#List1", "#list2"]),
        ("LIST *LIST?", ["#List1", "#list2"]),
        ("LIST list*", []),
        ("LIST *1,*other", ["#List1", "#Other"]),
        ("LIST #list2,*other", ["#list2", "#Other"]),
        # N: masks that do not match
        ("LIST !#list*", ["#Other"]),
        ("LIST !*1,!*2", ["#Other"]),
        ("LIST #l*,!*1", ["#list2"]),
        # U: users
        ("LIST >0", ["#List1", "#list2", "#Other"]),
        ("LIST >1", ["#List1"]),
        ("LIST >2", []),
        ("LIST <2", ["#list2", "#Other"]),
        ("LIST <1", []),
        ("LIST >0,<2", ["#list2", "#Other"]),
        ("LIST >0,<2,!*other", ["#list2"]),
        ("LIST #list1,#list2 <2", ["#list2"]),
        # C: made so many minutes ago, T: topic set
        ("LIST C<5", ["#List1", "#list2", "#Other"]),
        ("LIST C>5", []),
        ("LIST c<5,<2", ["#list2", "#Other"]),
        ("LIST T<5", ["#list2"]),
        ("LIST T>5", []),
        # what is none is left out
        ("LIST >x", ["#List1", "#list2", "#Other"]),
        ("LIST >1,>", ["#List1"]),
        ("LIST <99999999999999999999999", ["#List1", "#list2", "#Other"]),
        ("LIST ,,", ["#List1", "#list2", "#Other"]),
    ],
)
def test_conditions(client: Client, line: str, expected: list[str]) -> None:
    assert sorted(names(client, line)) == sorted(expected)


def test_secret_channels_are_listed_for_members_only(opened: Opener) -> None:
    inside, outside = opened(join="#hidden,#open"), opened()
    inside.ask("MODE #hidden +s")
    for line in ("LIST", "LIST *", "LIST #hidden", "LIST #Hidden,#open", "LIST >0", "LIST C<5"):
        assert names(outside, line) == ([] if line == "LIST #hidden" else ["#open"])
        assert "#hidden" in names(inside, line)


def test_a_channel_where_nobody_is_is_listed_by_name_only(opened: Opener) -> None:
    owner, other = opened(account="alice", join="#empty"), opened(join="#full")
    owner.ask("PART #empty")
    assert names(other, "LIST") == ["#full"]
    assert one(other.ask("LIST #empty"), "322").params == [other.nick, "#empty", "0", ""]
    assert names(other, "LIST #empty,#nowhere >0") == []


def test_many_masks_and_many_names(opened: Opener) -> None:
    client = opened(join="#m")
    assert names(client, "LIST " + ",".join(f"*{number}*" for number in range(100))) == []
    assert names(client, "LIST " + ",".join([f"#{number}" for number in range(100)] + ["#m"])) == ["#m"]
    assert names(client, "LIST " + "*?" * 200) == []
