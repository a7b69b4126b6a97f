"""Every kind of event, each with its row of the log and what it changes in the tables."""

from dataclasses import replace

from securechat.chat.channel import ListEntry, Topic
from securechat.chat.events import (
    AccountAdded,
    AccountChanged,
    AccountEnabled,
    AccountRemoved,
    AwayChanged,
    Banned,
    CertificateAdded,
    CertificateRemoved,
    ChannelMade,
    ChannelRecord,
    ChannelRenamed,
    ChannelView,
    Collected,
    Event,
    HostChanged,
    InviteCodeMade,
    InviteCodeRevoked,
    InviteCodeUsed,
    Invited,
    Joined,
    Kicked,
    Killed,
    Left,
    MetadataChanged,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Parted,
    PasswordSet,
    RealnameChanged,
    Rehashed,
    RulesSet,
    Said,
    SessionsEnded,
    Silenced,
    Started,
    TopicChanged,
    Unbanned,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.model import Account, BanKind, Certificate, InviteCode, Role, Rules, ServerBan
from securechat.chat.requests import Speech
from securechat.irc.extban import BanMask
from securechat.irc.modes import ModeChange
from securechat.store.rows import Row
from securechat.store.schema import Change
from tests.store.examples_kept import DEVICE_HERE, FORGET_MEMBER, IN_CHANNEL, KEPT, WHO

ANN = Account(5, "Ann", Role.ADMIN, True, 5, "her hash", 7, "verifier")
VIEW = ChannelView("#Tea", None, ())


BAN = ServerBan(BanKind.ACCOUNT, "Spam", "go away", "Ann", 9, 30)
CODE = InviteCode("d" * 64, "Bob", True, 1, 1, 9, 30, "Ann")


def code_kept(code: InviteCode) -> Change:
    return (
        "INSERT OR REPLACE INTO invite_codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (code.digest, code.name, code.admin, code.uses, code.left, code.made, code.until, code.by, code.account_id),
    )


def said(
    kind: Speech = "PRIVMSG", *, text: str = "hello", tags: str = "+a=b", waits: bool = False, unheard: bool = False
) -> Said:
    return Said(9, kind, "Ann!~a@h", "Ann", 5, "Bob", text, tags, (2,), 1, None, 6, (1,), waits, unheard=unheard)


def entry(mask: str) -> ListEntry:
    return ListEntry(BanMask.parse(mask), mask, "Ann!~a@h", 9)


def modes_changed(*words: str, lasting: bool = True, access: tuple[tuple[int, str], ...] = ()) -> ModesChanged:
    """Of words such as ``+b mask``; afterwards the channel has the modes ``mt``, a key and a limit."""
    changes = tuple(ModeChange(word[0] == "+", word[1], word[3:] or None) for word in words)
    lists = [change for change in changes if change.letter in "beI"]
    return ModesChanged(
        9, 4, "#Tea", *WHO, changes, (), (1,), lasting, "mt", "sesame", 30,
        tuple((c.letter, entry(c.parameter or "")) for c in lists if c.adding),
        tuple((c.letter, c.parameter or "") for c in lists if not c.adding),
        access,
    )  # fmt: skip


RECORD = ChannelRecord(
    Topic("cups", "Ann!~a@h", 8),
    "s",
    "sesame",
    30,
    (("I", entry("b!*@*")),),
    (("url", "here"),),
    None,
    ((5, 7, True), (6, 8, False)),
)
MODES_KEPT: Change = (
    "UPDATE channels SET flags = ?, join_key = ?, member_limit = ?, open_since = ? WHERE id = ?",
    ("mt", "sesame", 30, None, 4),
)
INSERT_CHANNEL = "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SET_MEMBER = (
    "INSERT INTO channel_members VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET reads_from = excluded.reads_from, resident = excluded.resident"
)
SET_ACCESS = "INSERT INTO channel_access VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET modes = excluded.modes"
SET_METADATA = "INSERT INTO metadata VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


def channel_deleted(id: int) -> list[Change]:
    return [
        ("DELETE FROM channels WHERE id = ?", (id,)),
        ("DELETE FROM channel_lists WHERE channel = ?", (id,)),
        ("DELETE FROM channel_access WHERE channel = ?", (id,)),
        ("DELETE FROM channel_members WHERE channel = ?", (id,)),
        ("DELETE FROM metadata WHERE owner = ?", (id,)),
    ]


# Each event with its row and its changes of tables.
EXAMPLES: list[tuple[Event, Row | None, list[Change]]] = [
    (said(), (9, 1, None, 5, "Ann!~a@h", "Bob", 6, "hello", "+a=b", False), []),
    (said("NOTICE"), (9, 2, None, 5, "Ann!~a@h", "Bob", 6, "hello", "+a=b", False), []),
    (
        said(waits=True),
        (9, 1, None, 5, "Ann!~a@h", "Bob", 6, "hello", "+a=b", False),
        [("INSERT INTO held VALUES (?, ?)", (6, 9))],
    ),
    (
        Said(9, "PRIVMSG", "guest!~g@h", None, None, "#Tea", "hello", "", (2,), 1, 4),
        (9, 1, 4, None, "guest!~g@h", "#Tea", None, "hello", "", False),
        [],
    ),
    (
        Said(9, "NOTICE", "guest!~g@h", None, None, "@#Tea", "one\ntwo\rthree", "", (2,), 1, 4, multiline=True),
        (9, 2, 4, None, "guest!~g@h", "@#Tea", None, "one\ntwo\rthree", "", False),
        [],
    ),
    (said("TAGMSG", text=""), (9, 0, None, 5, "Ann!~a@h", "Bob", 6, "", "+a=b", False), []),
    (said("TAGMSG", text="", tags="+typing=active"), None, []),
    (said(unheard=True), None, []),
    (
        Joined(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "Ann's name", (1,), (1,), VIEW),
        (9, 3, 4, 5, "Ann!~a@h", "#Tea", None, "Ann's name", "", False),
        [],
    ),
    (
        Joined(9, 4, "#Tea", *WHO, "Ann's name", (1,), (1,), VIEW, reads_from=7, resident=True),
        (9, 3, 4, 5, "Ann!~a@h", "#Tea", None, "Ann's name", "", False),
        [(SET_MEMBER, (4, 5, 7, True))],
    ),
    (
        Parted(9, 4, "#Tea", *WHO, "bye", (1,), member_id=5),
        (9, 4, 4, 5, "Ann!~a@h", "#Tea", None, "bye", "", False),
        [(FORGET_MEMBER, (4, 5))],
    ),
    (
        Kicked(9, 4, "#Tea", *WHO, "Bob", "", (1,), member_id=6),
        (9, 8, 4, 5, "Ann!~a@h", "#Tea", None, "Bob ", "", False),
        [(FORGET_MEMBER, (4, 6))],
    ),
    (
        Parted(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "bye", (1,)),
        (9, 4, 4, 5, "Ann!~a@h", "#Tea", None, "bye", "", False),
        [],
    ),
    (
        Left(9, "Ann!~a@h", "Ann", 5, "gone", ("#Tea", "#milk"), (1,)),
        (9, 5, None, 5, "Ann!~a@h", "#Tea,#milk", None, "gone", "", False),
        [],
    ),
    (
        Left(9, "Ann!~a@h", "Ann", 5, "gone", ("#Tea", "#milk"), (1,), True, channel_ids=(4, 3)),
        (9, 5, None, 5, "Ann!~a@h", "#Tea,#milk", None, "gone", "", True),
        [(IN_CHANNEL, (4, 9)), (IN_CHANNEL, (3, 9))],
    ),
    (Left(9, "Ann!~a@h", "Ann", 5, "gone", (), ()), None, []),
    (
        NickChanged(9, "Ann!~a@h", "Ann", 5, "anne", (1,), (1,), channel_ids=(4,)),
        (9, 6, None, 5, "Ann!~a@h", "anne", None, "", "", False),
        [(IN_CHANNEL, (4, 9))],
    ),
    (
        NickChanged(9, "Ann!~a@h", "Ann", 5, "anne", (1,), (1,)),
        (9, 6, None, 5, "Ann!~a@h", "anne", None, "", "", False),
        [],
    ),
    (
        TopicChanged(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "cups", (1,), True),
        (9, 7, 4, 5, "Ann!~a@h", "#Tea", None, "cups", "", False),
        [("UPDATE channels SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?", ("cups", "Ann!~a@h", 9, 4))],
    ),
    (
        TopicChanged(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "", (1,), True),
        (9, 7, 4, 5, "Ann!~a@h", "#Tea", None, "", "", False),
        [("UPDATE channels SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?", (None, None, None, 4))],
    ),
    (
        TopicChanged(9, 4, "#Tea", "guest!~g@h", None, None, "cups", (1,), False),
        (9, 7, 4, None, "guest!~g@h", "#Tea", None, "cups", "", False),
        [],
    ),
    (
        ChannelMade(9, 4, "#Tea", 5),
        None,
        [(INSERT_CHANNEL, (4, "#Tea", "#tea", 5, None, None, None, "nt", None, None, 4))],
    ),
    (
        ChannelMade(9, 4, "#Tea", 0),
        None,
        [(INSERT_CHANNEL, (4, "#Tea", "#tea", 0, None, None, None, "nt", None, None, 4))],
    ),
    (ChannelMade(9, 4, "#Tea", None), None, []),
    (
        Started(9, Rules(), ((5, 4),)),
        (9, 32, None, None, "", "", None, "", "", False),
        [(FORGET_MEMBER, (4, 5))],
    ),
    (Started(9, Rules()), (9, 32, None, None, "", "", None, "", "", False), []),
    (Collected(9, 5, 8), None, [("DELETE FROM held WHERE account = ? AND stamp <= ?", (5, 8))]),
    (
        AccountAdded(9, ANN),
        (9, 33, None, 5, "", "Ann", None, "admin", "", False),
        [
            (
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (5, "Ann", "ann", "admin", True, 5, "her hash", 7, "verifier"),
            )
        ],
    ),
    (
        PasswordSet(9, 5, "Ann", "new hash", "verifier"),
        (9, 34, None, 5, "", "Ann", None, "", "", False),
        [
            (
                "UPDATE accounts SET credential = ?, credential_set = ?, scram = ? WHERE id = ?",
                ("new hash", 9, "verifier", 5),
            )
        ],
    ),
    (
        Rehashed(9, 5, "new hash"),
        None,
        [("UPDATE accounts SET credential = ? WHERE id = ?", ("new hash", 5))],
    ),
    (
        AccountEnabled(9, 5, "Ann", True),
        (9, 35, None, 5, "", "Ann", None, "", "", False),
        [("UPDATE accounts SET enabled = ? WHERE id = ?", (True, 5))],
    ),
    (
        AccountEnabled(9, 5, "Ann", False),
        (9, 36, None, 5, "", "Ann", None, "", "", False),
        [
            ("UPDATE accounts SET enabled = ? WHERE id = ?", (False, 5)),
            ("DELETE FROM invite_codes WHERE made_by = ? AND admin AND left > 0", ("Ann",)),
        ],
    ),
    (
        AccountRemoved(9, 5, "Ann", (3, 4)),
        (9, 37, None, 5, "", "Ann", None, "", "", False),
        [
            ("DELETE FROM accounts WHERE id = ?", (5,)),
            ("DELETE FROM certificates WHERE account = ?", (5,)),
            ("DELETE FROM invite_codes WHERE account = ?", (5,)),
            ("DELETE FROM invite_codes WHERE made_by = ? AND admin AND left > 0", ("Ann",)),
            ("INSERT OR REPLACE INTO retired_names VALUES (?, ?)", ("ann", 9)),
            ("DELETE FROM held WHERE account = ? AND stamp <= ?", (5, 9)),
            ("DELETE FROM silenced WHERE account = ?", (5,)),
            ("DELETE FROM metadata WHERE owner = ?", (5,)),
            ("DELETE FROM channel_access WHERE account = ?", (5,)),
            ("DELETE FROM devices WHERE account = ?", (5,)),
            ("DELETE FROM read_markers WHERE account = ?", (5,)),
            ("DELETE FROM account_settings WHERE account = ?", (5,)),
            ("DELETE FROM client_ids WHERE account = ?", (5,)),
            ("DELETE FROM channel_members WHERE account = ?", (5,)),
            *channel_deleted(3),
            *channel_deleted(4),
        ],
    ),
    (
        CertificateAdded(9, "Ann", Certificate("f" * 64, 5, b"der", "a laptop", 9, 2_000_000_000)),
        (9, 42, None, 5, "", "Ann", None, "f" * 64, "", False),
        [
            (
                "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?)",
                ("f" * 64, 5, b"der", "a laptop", 9, 2_000_000_000),
            )
        ],
    ),
    (
        CertificateRemoved(9, 5, "Ann", "f" * 64),
        (9, 43, None, 5, "", "Ann", None, "f" * 64, "", False),
        [("DELETE FROM certificates WHERE fingerprint = ?", ("f" * 64,))],
    ),
    (
        InviteCodeMade(9, CODE, 5, ("e" * 64,)),
        (9, 44, None, 5, "Ann", "Bob", None, "d" * 12, "", False),
        [("DELETE FROM invite_codes WHERE digest = ?", ("e" * 64,)), code_kept(CODE)],
    ),
    (
        InviteCodeRevoked(9, CODE, "Ann"),
        (9, 45, None, None, "Ann", "Bob", None, "d" * 12, "", False),
        [("DELETE FROM invite_codes WHERE digest = ?", ("d" * 64,))],
    ),
    (
        InviteCodeUsed(9, replace(CODE, left=0), 6, "Bob"),
        (9, 46, None, 6, "", "Bob", None, "d" * 12, "", False),
        [code_kept(replace(CODE, left=0))],
    ),
    (
        Kicked(9, 4, "#Tea", *WHO, "Bob", "away with you", (1,)),
        (9, 8, 4, 5, "Ann!~a@h", "#Tea", None, "Bob away with you", "", False),
        [],
    ),
    (
        modes_changed("+m", "-n", "+k sesame", "+l 30", "-o bob", "+v bob"),
        (9, 9, 4, 5, "Ann!~a@h", "#Tea", None, "+m-n+kl-o+v sesame 30 bob bob", "", False),
        [MODES_KEPT],
    ),
    (
        modes_changed("+e b!*@*", "-b a!*@*", "+b c!*@*", "+b a!*@*"),
        (9, 9, 4, 5, "Ann!~a@h", "#Tea", None, "+e-b+bb b!*@* a!*@* c!*@* a!*@*", "", False),
        [
            MODES_KEPT,
            ("DELETE FROM channel_lists WHERE channel = ? AND mode = ? AND mask = ?", (4, "b", "a!*@*")),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "e", "b!*@*", "Ann!~a@h", 9)),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "b", "c!*@*", "Ann!~a@h", 9)),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "b", "a!*@*", "Ann!~a@h", 9)),
        ],
    ),
    (
        modes_changed(access=((6, "ov"), (7, ""))),
        None,
        [
            MODES_KEPT,
            (SET_ACCESS, (4, 6, "ov")),
            ("DELETE FROM channel_access WHERE channel = ? AND account = ?", (4, 7)),
        ],
    ),
    (
        modes_changed("+m", "+b a!*@*", lasting=False),
        (9, 9, 4, 5, "Ann!~a@h", "#Tea", None, "+mb a!*@*", "", False),
        [],
    ),
    (modes_changed(), None, []),
    (
        ChannelRenamed(9, 4, "#Tea", "#Tee", *WHO, "German now", (1,), VIEW, True),
        (9, 10, 4, 5, "Ann!~a@h", "#Tea", None, "#Tee German now", "", False),
        [("UPDATE channels SET name = ?, key = ? WHERE id = ?", ("#Tee", "#tee", 4))],
    ),
    (
        ChannelRenamed(9, 4, "#Tea", "#Tee", "guest!~g@h", None, None, "", (1,), VIEW, False),
        (9, 10, 4, None, "guest!~g@h", "#Tea", None, "#Tee ", "", False),
        [],
    ),
    (
        OwnerChanged(9, 4, "#Tea", "Ann!~a@h", 5, None, None, (1,)),
        (9, 38, 4, 5, "Ann!~a@h", "#Tea", None, "", "", False),
        channel_deleted(4),
    ),
    (
        OwnerChanged(9, 4, "#Tea", "Ann!~a@h", 5, "Bob", 6, (1,)),
        (9, 38, 4, 5, "Ann!~a@h", "#Tea", 6, "Bob", "", False),
        [("UPDATE channels SET founder = ? WHERE id = ?", (6, 4))],
    ),
    (
        OwnerChanged(9, 4, "#Tea", "Ann!~a@h", 5, "Bob", 6, (1,), RECORD),
        (9, 38, 4, 5, "Ann!~a@h", "#Tea", 6, "Bob", "", False),
        [
            (INSERT_CHANNEL, (4, "#Tea", "#tea", 6, "cups", "Ann!~a@h", 8, "s", "sesame", 30, None)),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "I", "b!*@*", "Ann!~a@h", 9)),
            ("INSERT INTO metadata VALUES (?, ?, ?)", (4, "url", "here")),
            (SET_MEMBER, (4, 5, 7, True)),
            (SET_MEMBER, (4, 6, 8, False)),
        ],
    ),
    (
        MetadataChanged(9, 1, "Ann", 5, (("url", "here"), ("note", None)), (1,)),
        None,
        [
            (SET_METADATA, (5, "url", "here")),
            ("DELETE FROM metadata WHERE owner = ? AND key = ?", (5, "note")),
        ],
    ),
    (MetadataChanged(9, 1, "Ann", 5, (), (1,)), None, []),
    (MetadataChanged(9, 1, "guest", None, (("url", "here"),), (1,)), None, []),
    (
        Silenced(9, "Ann!~a@h", 5, True, "*!*@Spam", (1,)),
        None,
        [("INSERT INTO silenced VALUES (?, ?)", (5, "*!*@Spam"))],
    ),
    (
        Silenced(9, "Ann!~a@h", 5, False, "*!*@Spam", (1,)),
        None,
        [("DELETE FROM silenced WHERE account = ? AND mask = ?", (5, "*!*@Spam"))],
    ),
    (Silenced(9, "guest!~g@h", None, True, "*!*@Spam", (1,)), None, []),
    (
        Killed(9, "Ann!~a@h", 5, "Bob", "enough"),
        (9, 39, None, 5, "Ann!~a@h", "Bob", None, "enough", "", False),
        [],
    ),
    (
        Banned(9, BAN, 1),
        (9, 40, None, None, "Ann", "Spam", None, "account go away", "", False),
        [
            (
                "INSERT OR REPLACE INTO server_bans VALUES (?, ?, ?, ?, ?, ?, ?)",
                ("account", "spam", "Spam", "go away", "Ann", 9, 30),
            )
        ],
    ),
    (
        Unbanned(9, BAN, "the operator", None),
        (9, 41, None, None, "the operator", "Spam", None, "account", "", False),
        [("DELETE FROM server_bans WHERE kind = ? AND key = ?", ("account", "spam"))],
    ),
    (RulesSet(9, Rules()), None, []),
    (AwayChanged(9, 1, *WHO, "tea", "tea", True, (2,)), None, []),
    (RealnameChanged(9, *WHO, "Anne", (1,), (1,)), None, []),
    (
        AccountChanged(9, 1, *WHO, (1,), (1,), places=((4, 7, True), (3, 8, False))),
        None,
        [(DEVICE_HERE, (5, "", 9)), (SET_MEMBER, (4, 5, 7, True)), (SET_MEMBER, (3, 5, 8, False))],
    ),
    (HostChanged(9, *WHO, "~a", "other", (1,), (1,)), None, []),
    (UserModesChanged(9, "Ann", "Ann!~a@h", (ModeChange(True, "w"),), (1,), "w"), None, []),
    (Invited(9, "#Tea", *WHO, "Bob", (2,), ()), None, []),
    (WallopsSaid(9, *WHO, "listen", (1,)), None, []),
    (SessionsEnded(9, (1,), "gone"), None, []),
    *KEPT,
]
