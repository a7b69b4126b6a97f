"""The IRC clients as tests use them: how each is started and told things, and how its screen says what has happened."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from tests.clients.documented import settings
from tests.clients.tmux import Pane, Tmux
from tests.e2e.servers import LIMIT, PASSWORD, Server

COLUMNS: Final = 250
ROWS: Final = 250
"""Large enough for all that happens in a test, so that nothing scrolls away and nothing is broken into rows."""

SERVER_NAME: Final = "chat.test"

NETWORK: Final = "securechat"
"""What the guide calls the network in the clients' settings."""

STATUS: Final = ""
"""The window for all that has no other."""


@dataclass(frozen=True)
class Words:
    """Regular expressions for what a client shows, with the names of `str.format` in them."""

    verified: str
    logged_in: str
    joined: str
    said: str
    action: str
    left: str
    quit: str
    topic: str
    topic_set: str
    account: str
    secure: str
    away: str
    not_operator: str
    refused_authority: str
    parted: str
    mode: str
    modes: str
    banned: str
    kicked: str
    inviting: str
    invited: str
    listed: str
    was: str
    came: str
    went: str
    account_changed: str
    ended: str
    """What may look like a complaint when the server ends, and while there is none."""
    replied: str
    """A standard reply (NOTE, FAIL) and its words."""
    closed: str
    """The server has ended the connection, and says why."""
    notice: str
    """A notice from the server."""
    fingerprint: str
    refused_certificate: str
    """The alert of TLS, where the server knows nothing of a certificate."""
    refused_password: str = "SASL authentication failed"


@dataclass
class IrcClient:
    """A client that was started with a home of its own and told the guide's settings; the last of them connects it."""

    tmux: Tmux
    server: Server
    user: str
    home: Path
    ca: Path | None = None
    password: str = PASSWORD
    rows: int = ROWS
    typed: Sequence[str] | None = None
    """What it is told instead."""
    pane: Pane = field(init=False)

    name: ClassVar[str]
    words: ClassVar[Words]
    echo: ClassVar[str]
    """The command that only prints something."""
    complaints: ClassVar[str]
    """A regular expression for what a client shows when the server does something that it does not understand."""
    list_all: ClassVar[str]
    """The command that lists all channels."""
    watch: ClassVar[str]
    """The command, without a nick, after which it tells when somebody comes and goes."""
    ban_mask: ClassVar[str]
    """What it bans when it is to ban somebody."""

    def __post_init__(self) -> None:
        self.home.mkdir()
        self.pane = self.tmux.open(self.command(), {"HOME": str(self.home)}, COLUMNS, self.rows)
        self._windows = [STATUS]
        self._reviews = 0
        self.prepare()
        usual = settings(self.name, self.server, self.user, self.ca or self.server.place.ca, self.password)
        self.told(usual if self.typed is None else self.typed)

    def disconnect(self) -> None:
        """Have it hang up."""
        self.say("/disconnect")

    def told(self, lines: Sequence[str]) -> None:
        """Type settings of the guide."""
        for line in lines:
            self.pane.enter(self.adapted(line))

    def command(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Wait until it listens, and turn off what would only keep tests waiting."""
        raise NotImplementedError

    def adapted(self, line: str) -> str:
        """A setting in the spelling of the version that is installed."""
        return line

    def settle(self, channel: str) -> None:
        """Wait until it knows what it wants to know of a channel that it has just entered, and that is shown."""

    def look_at(self, window: str) -> None:
        """Show a channel's window, or `STATUS`; wait until it is there."""
        raise NotImplementedError

    def raw(self, token: str) -> str:
        """What went over the connection up to the answer to `PING token`, as the client noted it."""
        raise NotImplementedError

    def names(self, channel: str, count: int) -> set[str]:
        """Ask who is in the channel, and wait for an answer with so many; with `@` before operators."""
        raise NotImplementedError

    def private(self, nick: str) -> None:
        """Show the window for private messages with somebody."""
        self.pane.enter(f"/query {nick}")
        self.shown(nick)

    def shown(self, window: str) -> None:
        """Wait until a window is on the screen."""
        raise NotImplementedError

    def say(self, line: str) -> None:
        """Type a line, into the window that is shown."""
        self.pane.enter(line)

    def sees(self, word: str, **values: str) -> None:
        """Wait until the window that is shown has what `words` says under this name."""
        self.pane.expect(filled(getattr(self.words, word), values))

    def answered(self, token: str) -> None:
        """Wait until all that was asked has its answer. `STATUS` is shown, and the token was not used before."""
        self.say(f"/quote PING {token}")
        self.pane.expect(f"PONG.*: {token}$")

    def review(self, known: str = r"(?!)") -> str:
        """Look through all windows, and at what went over the wire: nothing may look like a misunderstanding.

        Lines that are `known` don't count. The one error that is welcome is 451, the answer to irssi's `JOIN :`, by
        which it finds out whether the server keeps quiet before the registration. What went over the wire is returned.
        """
        self._reviews += 1
        token = f"review-{self._reviews}"
        self.look_at(STATUS)
        self.answered(token)
        for number, window in enumerate(self._windows):
            self.look_at(window)
            self.say(f"{self.echo} {token} of {number}")
            self.pane.expect(rf"\d\d[-! |]+{token} of {number}\b")  # below all that is to be looked at
            rows = [row for row in self.pane.screen().splitlines() if not re.search(known, row)]
            assert not [row for row in rows if re.search(self.complaints, row)], "\n".join(rows)
            self.judge(rows)
        raw = self.raw(token)
        assert f":{SERVER_NAME} 001 {self.user} :" in raw
        errors = set(re.findall(rf":{re.escape(SERVER_NAME)} ((?:[45]\d\d|FAIL|WARN) .*)", raw))
        assert errors <= {"451 * :You have not registered"}, errors
        return raw

    def judge(self, rows: list[str]) -> None:
        """Look at a window for more than complaints."""

    def leave(self, reason: str) -> None:
        """Leave the chat, and wait until the program has ended well."""
        self.pane.enter(f"/quit {reason}".rstrip())
        assert self.pane.ended() == 0


def filled(pattern: str, values: Mapping[str, str]) -> str:
    return pattern.format_map({name: re.escape(value) for name, value in values.items()})


class Irssi(IrcClient):
    """irssi. Windows have numbers; the list of those with news in them (`Act:`) is told to show names too."""

    name = "irssi"
    echo = "/echo"
    words = Words(
        verified=r"Irssi: Protocol: TLSv1\.3 ",
        logged_in=r"-!- numeric 900: \S+ {nick} You are now logged in as {nick}$",
        joined=r"-!- {nick} \[\S+@\S+\] has joined {channel}$",
        said=r"<[ @+]?{nick}> {text}$",
        action=r" \* {nick} {text}$",
        left=r"-!- {nick} \[\S+@\S+\] has left {channel} \[{reason}\]$",
        quit=r"-!- {nick} \[\S+@\S+\] has quit \[{reason}\]$",
        topic=r"-!- Topic for {channel}: {text}$",
        topic_set=r"-!- {nick} changed the topic of {channel} to: {text}$",
        account=r"-!-  account  : {nick}$",
        secure=r"-!-           : is using a secure connection$",
        away=r"-!- {nick} is away: {text}$",
        not_operator=r"-!- numeric 482: {channel} You're not channel operator$",
        refused_authority=r"warning Could not verify TLS servers certificate: self-signed certificate in",
        parted=r"-!- {nick} \[\S+@\S+\] has left {channel} \[\]$",
        mode=r"-!- mode/{channel} \[{modes}\] by {nick}$",
        modes=r"-!- mode/{channel} \[\+{modes}\]$",
        banned=r"-!- 1 - {channel}: ban {mask} \[by {by}!",
        kicked=r"-!- {nick} was kicked from {channel} by {by} \[{reason}\]$",
        inviting=r"-!- Inviting {nick} to {channel}$",
        invited=r"-!- {nick} invites you to {channel}$",
        listed=r"-!- numeric 322: {channel} {count} {topic}$",
        was=r"-!- {nick} \[{nick}@\S+\]$",
        came=r"-!- Irssi: {nick} \[\S+@\S+\] \[.*\] has joined to \w+$",
        went=r"-!- Irssi: {nick} has left \w+$",
        account_changed=r"-!- {nick} \[\S+@\S+\] has logged in to account {account}$",
        ended=r"-!- ERROR Closing link: |warning SSL handshake failed: Connection refused$",
        replied=r"-!- {kind} {command} {context} :{text}$",
        closed=r"-!- ERROR Closing link: {reason}$",
        notice=r"!chat\.test {text}$",
        fingerprint=r"-!-           : has client certificate fingerprint {fingerprint}$",
        refused_certificate=r"warning SSL read error: tlsv1 alert unknown ca$",
    )
    # A command that it does not know stands there as it came, with its name in front.
    complaints = r"Unknown \w|unknown mode|ERROR|Irssi: critical|warning|flood|-!- (?!PONG |SASL )[A-Z]{3,} "
    list_all = "/list -yes"
    watch = "/notify"
    ban_mask = "*!*{user}@{host}"

    as_they_are = r"00[1-5]|25[1-5]|26[56]|32[1-3]|34[79]|368|37[256]|73[0-3]|900"
    """The numerics that irssi knows nothing of, or nothing better than to show what is in them.

    It has no words for a numeric that is new to it, so `prepare` gives it some, and `judge` looks for others.
    """

    def command(self) -> list[str]:
        return ["irssi"]

    def prepare(self) -> None:
        self.pane.expect(r"^\[\(status\)\]")
        for setting in (
            "cmd_queue_speed 0msec",
            "cmds_max_at_once 100",
            "paste_verify_line_count 0",
            "rawlog_lines 5000",
            "show_account_notify on",
            "notify_check_time 1secs",
            "server_reconnect_time 1secs",
            "actlist_names on",
        ):
            self.say(f"/set {setting}")
        for name in ("default_event", "default_event_server"):
            self.say(f"/format {name} numeric $2: $1")
        self.pane.expect("actlist_names on$|actlist_names ON$")
        self.say("/clear")

    def settle(self, channel: str) -> None:
        self.pane.expect(rf"Irssi: Join to {re.escape(channel)} was synced in")

    def judge(self, rows: list[str]) -> None:
        shown = set(re.findall(r"-!- numeric (\S+): ", "\n".join(rows)))
        unknown = {number for number in shown if not re.fullmatch(self.as_they_are, number)}
        assert not unknown, unknown

    def look_at(self, window: str) -> None:
        if window == STATUS:
            self.say("/window goto 1")
        else:
            if window not in self._windows:
                self.pane.expect(rf"\[Act:.*\d:{re.escape(window)}\b|\[\d+:{NETWORK}/{re.escape(window)}\b")
                self._windows.append(window)
            self.say(f"/window goto {window}")
        self.shown(window)

    def disconnect(self) -> None:
        super().disconnect()
        self._windows = [STATUS]  # irssi closes the others

    def shown(self, window: str) -> None:
        where = r"\[1:" if window == STATUS else rf"\[\d+:{NETWORK}/{re.escape(window)}\b"
        self.pane.expect(rf"^ \[\d\d:\d\d\] \[[^]]+\] {where}")

    def raw(self, token: str) -> str:
        notes = self.home / f"raw of {token}"
        self.say(f"/rawlog save {notes}")
        self.say(f"/echo the raw log of {token} is saved")
        self.pane.expect(f"the raw log of {token} is saved$")
        return notes.read_text()

    def names(self, channel: str, count: int) -> set[str]:
        self.say("/names")
        total = rf"Irssi: {re.escape(channel)}: Total of {count} nicks"
        self.pane.expect(total)
        last = re.split(total, self.pane.screen())[-2].rpartition(f"[Users {channel}]")[2]
        return {prefix.strip() + nick for prefix, nick in re.findall(r"\[([ @+])(\S+)\s*\]", last)}


class WeeChat(IrcClient):
    """WeeChat. Windows are buffers; a list of them is on the left."""

    name = "WeeChat"
    echo = "/print"
    words = Words(
        verified=r"gnutls: peer's certificate is trusted",
        logged_in=r"-- \| You are now logged in as {nick} \(",
        joined=r"--> \| {nick} \[{nick}\] \(.*\) \(\S+@\S+\) has joined {channel}\b",
        said=r"\d +[@+]?{nick} \| {text}(?: |$)",
        action=r"\* \| {nick} {text}(?: |$)",
        left=r"<-- \| {nick} \(\S+@\S+\) has left {channel} \({reason}\)",
        quit=r"<-- \| {nick} \(\S+@\S+\) has quit \({reason}\)",
        topic=r'-- \| Topic for {channel} is "{text}"',
        topic_set=r'-- \| {nick} has changed topic for {channel} to "{text}"',
        account=r"-- \| \[{nick}\] is logged in as {nick}$",
        secure=r"-- \| \[{nick}\] is using a secure connection$",
        away=r"-- \| \[{nick}\] is away: {text}$",
        not_operator=r"-- \| {channel}: You're not channel operator",
        refused_authority=r"=!= \| gnutls: peer's certificate is NOT trusted$",
        parted=r"<-- \| {nick} \(\S+@\S+\) has left {channel}\b",
        mode=r"-- \| Mode {channel} \[{modes}\] by {nick}\b",
        modes=r"-- \| Mode {channel} \[\+{modes}\](?: |$)",
        banned=r"-- \| \[{channel}\] \[1\] {mask} banned by {by} \(",
        kicked=r"<-- \| {by} has kicked {nick} \({reason}\)",
        inviting=r"-- \| {by} has invited {nick} to {channel}$",
        invited=r"-- \| You have been invited to {channel} by {nick}\b",
        listed=r"-- \| {channel}\({count}\): {topic}$",
        was=r"-- \| \[{nick}\] \({nick}@\S+\) was {nick}$",
        came=r"-- \| notify: {nick} \(\S+@\S+\) has connected$",
        went=r"-- \| notify: {nick} has quit$",
        account_changed=r"-- \| {nick} has identified as {account}\b",
        ended=r"=!= \| (?:Closing link: |irc: (?:reading|error: ))|=!= \| +(?:error|irc)",
        replied=r"(?i:{kind}).*: {command} \[{context}\] {text}$",
        closed=r"=!= \| Closing link: {reason}$",
        notice=r"-- \| chat\.test: {text}$",
        fingerprint=r"-- \| \[{nick}\] has client certificate fingerprint {fingerprint}$",
        refused_certificate=r"=!= \| irc: reading data on socket: error -12 A TLS fatal alert has been received\.$",
    )
    complaints = r"=!=|Unknown command|not found|[Tt]oo few arguments"
    list_all = "/list"
    watch = "/notify add"
    ban_mask = "*!{user}@{host}"

    def command(self) -> list[str]:
        # The number of lines that count as pasted must be set before there is any.
        return ["weechat", "-d", str(self.home / "weechat"), "-r", "/set weechat.look.paste_max_lines -1"]

    def prepare(self) -> None:
        self.pane.expect(r"Option changed: weechat\.look\.paste_max_lines")
        # These are one matter, under the names that it has had; WeeChat says of the others that there is none.
        for option in (
            "server_default.anti_flood_prio_high 0",
            "server_default.anti_flood_prio_low 0",
            "server_default.anti_flood 0",
        ):
            self.say(f"/set irc.{option}")
        self.say("/set irc.server_default.autoreconnect_delay 1")
        self.say("/set irc.look.server_buffer independent")

    def adapted(self, line: str) -> str:
        return (
            re.sub(r"^(/set irc\.server\.\w+)\.ssl(|_verify|_cert) ", r"\1.tls\2 ", line)
            if _weechat_version() >= 4
            else line
        )

    def look_at(self, window: str) -> None:
        if window != STATUS and window not in self._windows:
            self.pane.expect(rf"^\d+\. +{re.escape(window)} ")
            self._windows.append(window)
        self.say(f"/buffer {window or f'irc.server.{NETWORK}'}")
        self.shown(window)

    def shown(self, window: str) -> None:
        where = rf"server\[{NETWORK}\]" if window == STATUS else re.escape(window)
        self.pane.expect(rf"│\[\d\d:\d\d\] \[\d+\] \[irc/{NETWORK}\] \d+:{where}(?:\W|$)")

    def raw(self, token: str) -> str:
        self.say("/server raw")
        self.pane.expect(rf":{SERVER_NAME} PONG {SERVER_NAME} :{token}$")
        return self.pane.screen()

    def names(self, channel: str, count: int) -> set[str]:
        self.say("/names")
        found = self.pane.expect(rf"Nicks {re.escape(channel)}: \[((?:\S+ ){{{count - 1}}}\S+)\]")
        return set(found[1].split())


def _weechat_version() -> int:
    """The first number of it."""
    done = subprocess.run(["weechat", "--version"], capture_output=True, text=True, timeout=LIMIT, check=True)
    return int(done.stdout.partition(".")[0])
