"""MODE of channels: what it shows, what it changes, and what the modes do (Modern IRC, "Channel mode")."""

import pytest

from tests.server.wire import Client, Opener, commands, one, params, shown


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MODE", "461 {} MODE :Not enough parameters"),
        ("MODE #nowhere", "403 {} #nowhere :No such channel"),
        ("MODE #nowhere +b", "403 {} #nowhere :No such channel"),
        ("MODE #nowhere +m", "403 {} #nowhere :No such channel"),
        ("MODE #nowhere +Z", "403 {} #nowhere :No such channel"),
        ("MODE #nowhere +bmoZ a!*@* nobody", "403 {} #nowhere :No such channel"),
        ("MODE #", "403 {} # :No such channel"),
        ("MODE #lobby +m", "482 {} #lobby :You're not channel operator"),
        ("MODE #LOBBY -o+b-kl nobody *!*@*", "482 {} #lobby :You're not channel operator"),
        ("MODE #lobby +o {}", "482 {} #lobby :You're not channel operator"),
        ("MODE #lobby b", "368 {} #lobby :End of channel ban list"),
        ("MODE #lobby +e", "349 {} #lobby :End of channel exception list"),
        ("MODE #lobby -I", "347 {} #lobby :End of Channel Invite Exception List"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line.format(client.nick)) == [answer.format(client.nick)]


def test_the_modes_of_a_new_channel(opened: Opener) -> None:
    client = opened(join="#New")
    modes, created = client.ask("MODE #new")
    assert [modes.command, *modes.params] == ["324", client.nick, "#New", "+nt"]
    assert [created.command, *created.params[:2]] == ["329", client.nick, "#New"]
    assert len(created.params) == 3
    assert int(created.params[2]) > 1_700_000_000
    outside = opened()
    assert one(outside.ask("MODE #NEW"), "324").params == [outside.nick, "#New", "+nt"]


def test_the_key_is_for_members(opened: Opener) -> None:
    op, outside = opened(join="#key"), opened()
    op.ask("MODE #key +lk 5 secret")
    assert one(op.ask("MODE #key"), "324").params[2:] == ["+ntkl", "secret", "5"]
    assert one(outside.ask("MODE #key"), "324").params[2:] == ["+ntkl", "*", "5"]


def test_everybody_sees_a_change(opened: Opener) -> None:
    op, member = opened.pair("#Seen")
    (change,) = op.ask(f"MODE #SEEN +mvb-t {member.nick.upper()} troll")
    assert change.params == ["#Seen", "+mvb-t", member.nick, "troll!*@*"]
    assert (change.source or "").startswith(f"{op.nick}!{op.nick}@")
    assert [message.serialise() for message in member.sync()] == [change.serialise()]
    assert one(member.ask("MODE #seen"), "324").params[2:] == ["+mn"]


@pytest.mark.parametrize("flag", list("CMRimnst"))
def test_flags_are_set_and_unset(opened: Opener, flag: str) -> None:
    op, member = opened.pair("#flag")
    first, second = ("-", "+") if flag in "nt" else ("+", "-")
    for sign in (first, second):
        assert op.asked(f"MODE #flag {sign}{flag}") == [f"{op.nick} MODE #flag :{sign}{flag}"]
        assert params(member.sync(), "MODE") == [["#flag", sign + flag]]
        assert (flag in one(op.ask("MODE #flag"), "324").params[2]) == (sign == "+")
        assert op.ask(f"MODE #flag {sign}{flag}") == []  # it is so already
        assert member.sync() == []
    assert op.asked(f"MODE #flag {flag}") == ([] if flag in "nt" else [f"{op.nick} MODE #flag :+{flag}"])


@pytest.mark.parametrize(
    ("line", "shown_as"),
    [
        ("+m-m+m", "+m-m+m"),
        ("+mi-t", "+mi-t"),
        ("+m-t+i", "+m-t+i"),
        ("+n+m", "+m"),
        ("m", "+m"),
        ("++m", "+m"),
        ("+-+m", "+m"),
        ("+lk 5 key", "+lk 5 key"),
        ("+l 007", "+l 7"),
        ("+k key +l 5", "+kl key 5"),
        ("+bb a b", "+bb a!*@* b!*@*"),
        ("+bb a a!*@*", "+b a!*@*"),
        ("+b a -b A", "+b-b a!*@* a!*@*"),
        ("+oo {0} {0}", ""),
        ("+v-v+v {0} {0} {0}", "+v-v+v {0} {0} {0}"),
        ("-k", ""),
        ("-k key", ""),
        ("-l", ""),
        ("-b nobody", ""),
        ("-t+t", "-t+t"),
        ("+", ""),
        ("-", ""),
        ("+m surplus words", "+m"),
    ],
)
def test_only_what_changes_is_told(opened: Opener, line: str, shown_as: str) -> None:
    op, member = opened.pair("#chg")
    words = shown_as.format(op.nick).split()
    expected = [["#chg", *words]] if words else []
    answers = op.ask(f"MODE #chg {line}".format(op.nick))
    assert commands(answers) == ["MODE"] * len(expected)
    assert params(answers, "MODE") == params(member.sync(), "MODE") == expected


def test_a_missing_parameter_is_no_way_round_what_is_needed(opened: Opener) -> None:
    """Modern IRC, "Channel mode": who lacks the privileges is told so, and nothing is done."""
    op, member = opened.pair("#Mis")
    refused = f"482 {member.nick} #Mis :You're not channel operator"
    for line in ("+k", "+l", "+o", "-v", "+kl", "+v alice +k", "+m-k+o"):
        assert member.asked(f"MODE #mis {line}")[-1:] == [refused], line
    assert member.asked("MODE #mis +kZ") == [f"472 {member.nick} Z :is unknown mode char to me", refused]
    assert opened().ask("MODE #mis +k")[0].command == "482"
    assert op.asked("MODE #MIS +k") == [f"696 {op.nick} #Mis k * :You must specify a parameter"], "as it is written"
    op.ask(f"MODE #mis +h {member.nick}")
    member.sync()
    assert params(member.ask("MODE #mis +k"), "696")


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("+Z", ["472 {} Z :is unknown mode char to me"]),
        ("-ZYZ", ["472 {} Z :is unknown mode char to me", "472 {} Y :is unknown mode char to me"]),
        ("+p", ["472 {} p :is unknown mode char to me"]),
        ("+é", ["472 {} é :is unknown mode char to me"]),
        ("+::", ["472 {} * :is unknown mode char to me"]),
        ("+l 0", ["696 {} #bad l 0 :A limit is a number from 1 to 999999"]),
        ("+l -5", ["696 {} #bad l -5 :A limit is a number from 1 to 999999"]),
        ("+l x", ["696 {} #bad l x :A limit is a number from 1 to 999999"]),
        ("+l ٣", ["696 {} #bad l ٣ :A limit is a number from 1 to 999999"]),
        ("+l 1000000", ["696 {} #bad l 1000000 :A limit is a number from 1 to 999999"]),
        ("+l " + "9" * 300, ["696 {} #bad l " + "9" * 300 + " :A limit is a number from 1 to 999999"]),
        ("+l :", ["696 {} #bad l * :A limit is a number from 1 to 999999"]),
        ("+l", ["696 {} #bad l * :You must specify a parameter"]),
        ("+k", ["696 {} #bad k * :You must specify a parameter"]),
        ("+o", ["696 {} #bad o * :You must specify a parameter"]),
        ("-v", ["696 {} #bad v * :You must specify a parameter"]),
        ("+k a,b", ["696 {} #bad k a,b :A key is a word without a comma, and not too long"]),
        ("+k :a b", ["696 {} #bad k * :A key is a word without a comma, and not too long"]),
        ("+k ::a", ["696 {} #bad k * :A key is a word without a comma, and not too long"]),
        ("+k :", ["696 {} #bad k * :A key is a word without a comma, and not too long"]),
        ("+k " + "k" * 33, ["696 {} #bad k " + "k" * 33 + " :A key is a word without a comma, and not too long"]),
        ("+k \x02", ["696 {} #bad k \x02 :A key is a word without a comma, and not too long"]),
        ("+b :a b", ["696 {} #bad b * :This is no mask"]),
        ("+e ~x:y", ["696 {} #bad e ~x:y :This is no mask"]),
        ("+I " + "x" * 201, ["696 {} #bad I " + "x" * 201 + " :This is no mask"]),
        ("+o nobody", ["401 {} nobody :No such nick/channel"]),
        ("+ov nobody noone", ["401 {} nobody :No such nick/channel", "401 {} noone :No such nick/channel"]),
        ("-h alice", ["441 {} alice #bad :They aren't on that channel"]),
        ("+o :a b", ["401 {} * :No such nick/channel"]),
        ("+o :", ["401 {} * :No such nick/channel"]),
    ],
)
def test_mistakes(opened: Opener, line: str, answers: list[str]) -> None:
    opened(account="alice")
    op, member = opened.pair("#bad")
    assert op.asked(f"MODE #bad {line}") == [answer.format(op.nick) for answer in answers]
    assert member.sync() == []
    assert one(op.ask("MODE #bad"), "324").params[2:] == ["+nt"]


def test_what_is_right_beside_a_mistake_is_done(opened: Opener) -> None:
    op, member = opened.pair("#mixed")
    answers = op.asked(f"MODE #mixed +Zmlov x nobody {member.nick}")
    assert answers == [
        f"{op.nick} MODE #mixed +mv :{member.nick}",
        f"696 {op.nick} #mixed l x :A limit is a number from 1 to 999999",
        f"401 {op.nick} nobody :No such nick/channel",
        f"472 {op.nick} Z :is unknown mode char to me",
    ]
    assert commands(op.ask("MODE #mixed +bib first!*@*")) == ["MODE", "367", "368"]  # with what was just added
    member.sync()
    assert commands(member.ask("MODE #mixed +bm", "MODE #mixed +Zm")) == ["482", "367", "368", "482", "472"]


def test_who_may_change_what(opened: Opener) -> None:
    op, half = opened.pair("#rank")
    member = opened(join="#rank")
    op.ask(f"MODE #rank +h {half.nick}")
    half.sync()
    refused = f"482 {half.nick} #rank :You're not channel operator"
    assert (
        half.asked(f"MODE #rank +o {half.nick}", f"MODE #rank -o {op.nick}", f"MODE #rank +h {member.nick}")
        == [refused] * 3
    )
    assert commands(half.ask(f"MODE #rank +m-t+kbv key troll {member.nick}")) == ["MODE"]
    member.sync()
    assert commands(member.ask(f"MODE #rank +v {half.nick}", "MODE #rank +i", "MODE #rank -b troll!*@*")) == ["482"] * 3
    assert commands(member.ask(f"MODE #rank -v {member.nick}")) == ["MODE"]  # what one has one may give back
    assert commands(half.ask(f"MODE #rank -h {half.nick}")) == ["MODE", "MODE"]
    assert commands(op.ask(f"MODE #rank -o {op.nick}"))[-1] == "MODE"
    assert op.asked(f"MODE #rank +o {op.nick}") == [f"482 {op.nick} #rank :You're not channel operator"]


def test_as_many_as_modes_says(opened: Opener) -> None:
    op = opened(join="#full")
    others = [opened(join="#full") for _ in range(8)]
    op.sync()
    most = 6
    assert any(f" MODES={most} " in line for line in op.asked("ISUPPORT"))
    nicks = [other.nick for other in others]
    (change,) = op.ask(f"MODE #full +m+{'o' * 8}-t {' '.join(nicks)}")  # those beyond are left out
    assert change.params == ["#full", f"+m{'o' * most}-t", *nicks[:most]]
    assert op.ask(f"MODE #full -{'o' * most} {' '.join(nicks[:most])}")[0].params[1] == "-" + "o" * most


def test_isupport_says_all_this(opened: Opener) -> None:
    tokens = {word for line in opened().asked("ISUPPORT") for word in line.split()}
    assert {
        "CASEMAPPING=ascii",
        "CHANLIMIT=#:100",
        "CHANMODES=beI,k,l,CMRimnst",
        "CHANNELLEN=64",
        "CHANTYPES=#",
        "ELIST=CMNTU",
        "EXCEPTS=e",
        "EXTBAN=~,am",
        "ACCOUNTEXTBAN=a,account",
        "INVEX=I",
        "KEYLEN=32",
        "KICKLEN=200",
        "MAXLIST=beI:100",
        "MODES=6",
        "PREFIX=(ohv)@%+",
        "STATUSMSG=@%+",
        "TOPICLEN=307",
    } <= tokens
    (targmax,) = (token for token in tokens if token.startswith("TARGMAX="))
    assert {"JOIN:", "KICK:4", "LIST:", "NAMES:", "PART:"} <= set(targmax.removeprefix("TARGMAX=").split(","))


# -- what the modes do ------------------------------------------------------------------------------------------------


def says(client: Client, line: str, channel: str) -> bool:
    """Whether a message goes through; if not, the answer must be 404."""
    answers = client.asked(line)
    assert answers in ([], [f"404 {client.nick} {channel} :Cannot send to channel"])
    return not answers


def test_moderated(opened: Opener) -> None:
    op, member = opened.pair("#m")
    op.ask("MODE #m +m")
    member.sync()
    assert not says(member, "PRIVMSG #M :hey", "#m")
    assert says(member, "NOTICE #m :hey", "#m")  # which is never answered, but goes nowhere
    assert op.sync() == []
    for letter in "vho":
        op.ask(f"MODE #m +{letter} {member.nick}")
        member.sync()
        assert says(member, f"PRIVMSG #m :{letter}", "#m")
        assert commands(op.ask(f"MODE #m -{letter} {member.nick}")) == ["PRIVMSG", "MODE"]
        member.sync()
    assert not says(member, "PRIVMSG #m :hey", "#m")


def test_outsiders_speak_where_n_is_off(opened: Opener) -> None:
    op, member = opened.pair("#n")
    outside = opened()
    assert not says(outside, "PRIVMSG #N :hey", "#n")
    op.ask("MODE #n -n")
    assert says(outside, "PRIVMSG #N :hey", "#n")
    assert [shown(message) for message in op.sync()] == [f"{outside.nick} PRIVMSG #n :hey"]
    assert params(member.sync(), "PRIVMSG") == [["#n", "hey"]]
    echoed = opened(None, "echo-message")
    assert echoed.asked("PRIVMSG #N :ho") == [f"{echoed.nick} PRIVMSG #n :ho"]
    for modes in ("+m", "-m+M", "-M+b *!*@*"):
        op.ask(f"MODE #n {modes}")
        assert not says(outside, "PRIVMSG #n :hey", "#n")
    op.ask("MODE #n -b *!*@*", "MODE #n +s")
    assert outside.asked("PRIVMSG #n :hey") == [f"403 {outside.nick} #n :No such channel"]


def test_no_ctcp(opened: Opener) -> None:
    op, member = opened.pair("#C")
    op.ask("MODE #C +C")
    member.sync()
    for client in (op, member):
        assert not says(client, "PRIVMSG #c :\x01VERSION\x01", "#C")
        assert not says(client, "PRIVMSG #c :\x01PING 1", "#C")
        assert client.ask("NOTICE #c :\x01VERSION x\x01") == []
        assert says(client, "PRIVMSG #c :\x01ACTION waves\x01", "#C")
        assert says(client, "PRIVMSG #c :\x01action waves\x01", "#C")
        assert says(client, "PRIVMSG #c :not \x01VERSION\x01", "#C")
        (op if client is member else member).sync()


def test_only_those_with_an_account_speak(opened: Opener) -> None:
    op, guest = opened.pair("#M")
    named = opened(account="dave", join="#M")
    op.ask("MODE #M +M")
    for client in (guest, named):
        client.sync()
    assert not says(guest, "PRIVMSG #M :hey", "#M")
    assert says(named, "PRIVMSG #M :hey", "#M")
    op.ask(f"MODE #M +v {guest.nick}")
    guest.sync()
    assert says(guest, "PRIVMSG #M :hey", "#M")


def test_only_those_with_an_account_come_in(opened: Opener) -> None:
    op, guest = opened(join="#R"), opened()
    op.ask("MODE #R +R")
    assert guest.asked("JOIN #R") == [f"477 {guest.nick} #R :Cannot join channel (+R)"]
    assert commands(opened(account="dave").ask("JOIN #R")) == ["JOIN", "353", "366"]
    op.ask(f"MODE #R +I {guest.nick}")
    assert commands(guest.ask("JOIN #R")) == ["JOIN", "353", "366"]


def test_the_key(opened: Opener) -> None:
    op, member = opened.pair("#k")
    assert op.asked("MODE #k +k sesame") == [f"{op.nick} MODE #k +k :sesame"]
    assert params(member.sync(), "MODE") == [["#k", "+k", "sesame"]]
    guest = opened()
    assert guest.asked("JOIN #k", "JOIN #k Sesame") == [f"475 {guest.nick} #k :Cannot join channel (+k)"] * 2
    assert commands(guest.ask("JOIN #k sesame")) == ["JOIN", "353", "366"]
    guest.ask("PART #k")
    op.sync()
    assert op.ask("MODE #k +k other")[0].params == ["#k", "+k", "other"]
    assert commands(guest.ask("JOIN #k sesame")) == ["475"]
    assert op.ask("MODE #k -k wrong")[0].params == ["#k", "-k", "other"]
    assert commands(guest.ask("JOIN #k")) == ["JOIN", "353", "366"]
    op.ask("MODE #k +k x")
    assert op.ask("MODE #k -k")[0].params == ["#k", "-k", "x"]
    assert op.ask("MODE #k +k " + "é" * 16)[0].params[2] == "é" * 16


def test_the_limit(opened: Opener) -> None:
    op, member = opened.pair("#l")
    guest = opened()
    op.ask("MODE #l +l 2")
    assert guest.asked("JOIN #l") == [f"471 {guest.nick} #l :Cannot join channel (+l)"]
    assert op.ask("MODE #l +l 3")[0].params == ["#l", "+l", "3"]
    assert commands(guest.ask("JOIN #l")) == ["JOIN", "353", "366"]
    op.sync()
    assert op.ask("MODE #l +l 1")[0].params == ["#l", "+l", "1"]  # nobody goes for that
    member.ask("PART #l")
    assert commands(member.ask("JOIN #l")) == ["471"]
    op.sync()
    assert op.ask("MODE #l -l 5")[0].params == ["#l", "-l"]
    assert commands(member.ask("JOIN #l")) == ["JOIN", "353", "366"]


def test_statusmsg(opened: Opener) -> None:
    op, member = opened.pair("#st")
    half, voiced = opened(join="#st"), opened(join="#st")
    op.ask(f"MODE #st +hv {half.nick} {voiced.nick}")
    clients = (op, half, voiced, member)
    for number, prefix in enumerate("@%+"):
        for client in clients:
            client.sync()
        assert member.ask(f"PRIVMSG {prefix}#ST :psst") == []
        for place, client in enumerate(clients[:3]):
            assert params(client.sync(), "PRIVMSG") == ([[f"{prefix}#st", "psst"]] if place <= number else [])
    outside = opened()
    assert outside.asked("PRIVMSG @#st :x") == [f"404 {outside.nick} #st :Cannot send to channel"]
    assert outside.asked("PRIVMSG @#nowhere :x") == [f"403 {outside.nick} @#nowhere :No such channel"]
