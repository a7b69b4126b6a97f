"""Channels: joining, parting, topics, and to whom they belong."""

from securechat.chat.channel import Topic
from securechat.chat.events import ChannelMade, ChannelView, Joined, MemberView, Parted, TopicChanged
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import ChangeNick, Join, Part, RemoveAccount, SetTopic, Start
from tests.chat.room import GUESTS, Room


def test_who_makes_a_channel_is_its_operator() -> None:
    room = Room()
    ann = room.account("ann")
    session = room.enter(ann)
    made, joined = room.do(Join(session, "#Tea"))
    stamp = room.stamp
    assert made == ChannelMade(stamp, stamp, "#Tea", ann.id)
    assert joined == Joined(
        stamp + 1,
        stamp,
        "#Tea",
        "ann!~ann@host",
        "ann",
        ann.id,
        "ann's name",
        (session,),
        (session,),
        ChannelView("#Tea", None, (MemberView("@", "ann", "ann!~ann@host"),)),
        nick="ann",
        reads_from=stamp,
        resident=True,
    )
    assert room.chat.channels["#tea"].created == stamp


def test_who_comes_later_is_not() -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.do(SetTopic(ann, "#tea", "Earl Grey"))
    set_at = room.stamp
    bob = room.account("bob")
    first, second = room.enter(bob), room.enter(bob)
    joined = room.one(Join(first, "#TEA"), Joined)
    assert joined.channel == "#tea"
    assert joined.joiners == (first, second)
    assert sorted(joined.audience) == [ann, first, second]
    assert joined.view.topic == Topic("Earl Grey", "ann!~ann@host", set_at)
    assert room.nicks("#tea") == {"ann": "@", "bob": ""}


def test_joining_twice_is_nothing() -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    assert room.do(Join(ann, "#TEA")) == []


def test_what_a_channel_may_be_called() -> None:
    room = Room(Rules(channel_length=6))
    ann = room.member("ann")
    for name in ("#", "#a b", "#a,b", "#123456", "#ééé", "#a\u200bb"):
        room.refused(Join(ann, name), Reason.BAD_CHANNEL_NAME, name)
    for name in ("tea", "", "&local"):
        room.refused(Join(ann, name), Reason.NO_SUCH_CHANNEL, name)
    room.do(Join(ann, "#12345"))
    room.do(Join(ann, "#éé1"))


def test_one_is_in_so_many_channels_and_no_more() -> None:
    room = Room(Rules(channels_per_user=2))
    ann = room.member("ann", "#one", "#two")
    bob = room.member("bob", "#three")
    room.refused(Join(ann, "#three"), Reason.TOO_MANY_CHANNELS, "#three")
    room.refused(Join(ann, "#four"), Reason.TOO_MANY_CHANNELS, "#four")
    assert "#four" not in room.chat.channels
    assert room.do(Join(ann, "#two")) == []
    room.do(Part(ann, "#one"))
    room.do(Join(ann, "#three"))
    room.do(Join(bob, "#lobby"))


def test_a_part_is_seen_by_all_and_by_who_goes() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#Tea"), room.enter(ann)
    bob = room.member("bob", "#tea")
    parted = room.one(Part(second, "#TEA", "bye"), Parted)
    assert parted.audience == (first, second, bob)
    assert parted == Parted(
        room.stamp,
        room.chat.channels["#tea"].id,
        "#Tea",
        "ann!~ann@host",
        "ann",
        ann.id,
        "bye",
        parted.audience,
        member_id=ann.id,
    )
    assert room.nicks("#tea") == {"bob": ""}


def test_one_parts_from_where_one_is() -> None:
    room = Room()
    ann = room.member("ann", "#lobby")
    room.member("bob", "#Tea")
    room.refused(Part(ann, "#tea"), Reason.NOT_ON_CHANNEL, "#Tea")
    room.refused(Part(ann, "#none"), Reason.NO_SUCH_CHANNEL, "#none")
    room.do(Part(ann, "#lobby"))
    room.refused(Part(ann, "#lobby"), Reason.NOT_ON_CHANNEL, "#lobby")


def test_the_lobby_is_nobodys() -> None:
    room = Room(GUESTS)
    ann, guest = room.member("ann", "#lobby"), room.enter("guest", "#Lobby")
    assert room.nicks("#lobby") == {"ann": "", "guest": ""}
    room.refused(SetTopic(ann, "#lobby", "mine"), Reason.NOT_OPERATOR, "#lobby")
    room.leave(ann, guest)
    assert room.nicks("#lobby") == {}
    room.enter("another", "#lobby")
    assert room.nicks("#lobby") == {"another": ""}


def test_the_owner_is_operator_again_after_the_channel_was_empty() -> None:
    room = Room()
    ann, bob = room.account("ann"), room.account("bob")
    session = room.enter(ann, "#tea")
    room.do(SetTopic(session, "#tea", "Earl Grey"))
    channel = room.chat.channels["#tea"]
    room.leave(session)
    assert room.nicks("#tea") == {}
    room.enter(bob, "#tea")
    assert room.nicks("#tea") == {"bob": ""}
    room.enter(ann, "#tea")
    assert room.nicks("#tea") == {"bob": "", "ann": "@"}
    assert room.chat.channels["#tea"] is channel
    assert channel.topic is not None
    assert channel.topic.text == "Earl Grey"


def test_the_owner_is_operator_under_any_nick() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    session = room.enter(ann)
    room.do(ChangeNick(session, "anne"))
    room.do(Join(session, "#tea"))
    assert room.chat.channels["#tea"].founder == ann.id
    room.do(Part(session, "#tea"))
    room.do(Join(session, "#tea"))
    assert room.nicks("#tea") == {"anne": "@"}


def test_a_guests_channel_goes_with_its_last_member() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest")
    made = room.do(Join(guest, "#fun"))[0]
    assert isinstance(made, ChannelMade)
    assert made.founder is None
    other = room.enter("other", "#fun")
    assert room.nicks("#fun") == {"guest": "@", "other": ""}
    room.do(Part(guest, "#fun"))
    assert room.nicks("#fun") == {"other": ""}
    room.leave(other)
    assert "#fun" not in room.chat.channels
    room.do(Join(guest, "#fun"))
    assert room.chat.channels["#fun"].id > made.channel_id


def test_a_guest_who_made_a_channel_has_no_claim_to_it() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    room.enter("other", "#fun")
    room.do(Part(guest, "#fun"))
    room.do(Join(guest, "#fun"))
    assert room.nicks("#fun") == {"other": "", "guest": ""}


def test_a_removed_accounts_channels_go_with_it() -> None:
    room = Room()
    ann = room.enter(room.account("ann"), "#empty", "#tea")
    made = [room.chat.channels[key].id for key in ("#empty", "#tea")]
    bob = room.member("bob", "#tea")
    room.leave(ann)
    removed = room.do(RemoveAccount("ann"))[-1]
    assert getattr(removed, "orphans", None) == tuple(made)
    assert room.chat.channels.keys() == {"#lobby", "#tea"}
    assert room.chat.channels["#tea"].founder is None
    room.one(Part(bob, "#tea"), Parted)
    assert room.chat.channels.keys() == {"#lobby"}


def test_another_account_of_the_same_name_does_not_inherit() -> None:
    room = Room()
    room.member("ann", "#tea")
    room.member("bob", "#tea")
    room.do(RemoveAccount("ann"))
    room.member("ann", "#tea")
    assert room.nicks("#tea") == {"bob": "", "ann": ""}


def test_a_topic_is_seen_by_all_members() -> None:
    room = Room()
    ann = room.account("ann")
    session = room.enter(ann, "#Tea")
    bob = room.member("bob", "#tea")
    changed = room.one(SetTopic(session, "#tea", "Earl Grey"), TopicChanged)
    channel = room.chat.channels["#tea"]
    assert changed == TopicChanged(
        room.stamp, channel.id, "#Tea", "ann!~ann@host", "ann", ann.id, "Earl Grey", (session, bob), True
    )
    assert channel.topic == Topic("Earl Grey", "ann!~ann@host", room.stamp)


def test_an_empty_topic_is_none() -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.do(SetTopic(ann, "#tea", "Earl Grey"))
    assert room.one(SetTopic(ann, "#tea", ""), TopicChanged).text == ""
    assert room.chat.channels["#tea"].topic is None


def test_a_topic_does_not_outlast_a_guests_channel() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    assert not room.one(SetTopic(guest, "#fun", "boo"), TopicChanged).lasting
    room.leave(guest)
    assert room.chat.channels.keys() == {"#lobby"}


def test_the_topic_is_the_operators() -> None:
    room = Room()
    room.member("ann", "#Tea")
    bob = room.member("bob", "#tea")
    cat = room.member("cat")
    room.refused(SetTopic(bob, "#tea", "coffee"), Reason.NOT_OPERATOR, "#Tea")
    room.refused(SetTopic(cat, "#tea", "coffee"), Reason.NOT_ON_CHANNEL, "#Tea")
    room.refused(SetTopic(cat, "#coffee", "coffee"), Reason.NO_SUCH_CHANNEL, "#coffee")


def test_a_long_topic_is_cut_between_two_characters() -> None:
    room = Room(Rules(topic_length=5))
    ann = room.member("ann", "#tea")
    for text, kept in (("12345", "12345"), ("123456", "12345"), ("1234é", "1234"), ("123é5", "123é"), ("12€€", "12€")):
        assert room.one(SetTopic(ann, "#tea", text), TopicChanged).text == kept


def test_the_lobby_of_another_name_leaves_the_old_one_as_it_was() -> None:
    room = Room()
    room.do(Start(Rules(lobby="#hall")))
    room.member("ann", "#lobby", "#hall")
    assert room.nicks("#lobby") == room.nicks("#hall") == {"ann": ""}


def test_who_comes_in_costs_nothing_for_those_who_are_there() -> None:
    """What is shown of the others is not made anew, or a channel of thousands would fill ever more slowly."""
    room = Room()
    room.member("ann", "#tea")
    room.member("bob", "#tea")
    before = room.chat.channels["#tea"].roll
    room.member("cat", "#tea")
    ann, bob, cat = room.chat.channels["#tea"].roll
    assert (ann, bob) == before
    assert ann is before[0]
    assert bob is before[1]
    room.mode(1, "#tea", "+v", "bob")
    assert [one is other for one, other in zip((ann, bob, cat), room.chat.channels["#tea"].roll, strict=True)] == [
        True,
        False,
        True,
    ]
