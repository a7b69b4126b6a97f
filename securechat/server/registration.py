"""What happens before a client is on the chat: PASS, NICK, USER, capabilities (Modern IRC, "Connection Registration").

All of it is between the client and its own thread: the chat hears of it when everything is there. Logging in, which
belongs here and goes on afterwards, is in `authentication`.
"""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Final

from securechat.chat.machine import Chat
from securechat.chat.requests import Arrive
from securechat.chat.views import population
from securechat.chat.views_history import all_pasts, markers_of
from securechat.irc.message import Message
from securechat.irc.names import casefold, valid_nick
from securechat.irc.numerics import Numeric
from securechat.irc.split import fit
from securechat.irc.standard_replies import Code, fail
from securechat.server import answers
from securechat.server.early_metadata import EarlyMetadata
from securechat.server.hashing import log_failure
from securechat.server.invitations import NOT_GOOD, THROTTLED, TOO_MANY_WRONG, Looked, digest_of, look
from securechat.server.metadata_sync import at_arrival

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["INVITED", "Registration"]

INVITED: Final = "invite:"
"""What stands in front of a code in PASS."""

INVITED_SECONDS: Final = 300.0
"""How long somebody with a good code, and nothing else, may take to type the REGISTER that is missing."""


class Registration:
    """What one client has said so far. Used by the session's thread alone.

    ``deadline``: when it must be on the chat, by the monotonic clock. ``password``: of the server, from PASS.
    ``invitation``: the digest of the code from ``PASS invite:CODE``; the code itself is not kept. ``known_code``: the
    digest of the last code it has shown that there is, or was; ``guesses``: how many there never were.
    ``username``: from USER, as it will be shown. ``away``: from AWAY (IRCv3 pre-away), ``None`` where it is there.
    ``metadata``: from METADATA.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.deadline = time.monotonic() + session.hub.config.limits.registration_timeout
        self.password: str | None = None
        self.invitation: str | None = None
        self.known_code = ""
        self.guesses = 0
        self._let_past = False  # the server's password, by a code that may be used up since
        self._asked_to_register = False
        self.username: str | None = None
        self.away: str | None = None
        self.metadata = EarlyMetadata(session)
        self._nick: str | None = None

    def take_password(self, text: str) -> None:
        """``PASS <password>``, or ``PASS invite:CODE``. Each stays until another of its kind comes."""
        wanted = self._session.hub.config.server.password
        is_password = wanted is not None and hmac.compare_digest(wanted.encode(), text.encode())
        if text.startswith(INVITED) and not is_password:
            self.invitation = digest_of(text.removeprefix(INVITED))
        else:
            self.password = text

    def look_at_code(self) -> Looked | None:
        """What the code is worth with which the client came; ``None``: it came with none. A good one lets it past the
        server's password, also when it has been used up since."""
        if self.invitation is None:
            return None
        looked = look(self._session, self.invitation)
        self._let_past = self._let_past or not looked.why
        return looked

    def take_nick(self, message: Message, nick: str) -> None:
        session = self._session
        if not valid_nick(nick):
            session.reply(message, [session.numeric(Numeric.ERR_ERRONEUSNICKNAME, nick)])
            return
        # One that negotiates may be about to log in to the very account that is here; it is judged at its arrival.
        if not session.caps.negotiating and session.ask(lambda chat: _worn_by_guest(chat, nick)):
            session.reply(message, [session.numeric(Numeric.ERR_NICKNAMEINUSE, nick)])
            return
        session.reply(message, [])
        self._nick = session.nick = nick
        self.go_on(message)

    def nick_refused(self) -> None:
        """The arrival was refused because of the nick: it is as if it had not been said.

        Called by the journal's runner, while the session's thread waits for just that.
        """
        self._nick = None
        self._session.nick = "*"

    def take_user(self, message: Message, username: str, realname: str) -> None:
        session = self._session
        session.reply(message, [])
        allowed = "".join(c for c in username if c.isascii() and (c.isalnum() or c in "-_.~[]{}|^`"))
        self.username = allowed[: session.hub.username_length] or "user"
        session.realname = fit(realname, session.hub.config.limits.realname_length)
        self.go_on(message)

    def go_on(self, message: Message) -> None:
        """If everything is there, let the client in or tell it why not."""
        session = self._session
        if self._nick is None or self.username is None or session.caps.negotiating:
            return
        hub = session.hub
        for line in session.authentication.break_off():
            session.link.queue(line)
        if not self.may_pass() or self._has_to_register():
            return
        account = session.account
        session.device = session.authentication.device if account else ""
        arrive = Arrive(
            session.number,
            self._nick,
            self.username,
            hub.host_of(session.address, account.name if account else None),
            session.realname,
            account.id if account else None,
            account.credential_set if account else 0,
            session.address,
            self.away,
            session.device,
            _seen_before(session),
            session.asks_for_history,
        )
        session.submit_arrival(
            message,
            (arrive, *self.metadata.requests()),
            lambda chat: (
                population(chat),
                at_arrival(session, chat),
                markers_of(chat, session.number),
                all_pasts(chat, session.number),
            ),
            lambda found: answers.welcome(session, session.arrival, *found),
        )

    def may_pass(self) -> bool:
        """Whether the client has given the server's password, if there is one, or a code that opens something; else it
        is sent away."""
        session = self._session
        wanted = session.hub.config.server.password
        given, self.password = self.password, None  # many programs send that of the account here as well
        if not wanted or hmac.compare_digest(wanted.encode(), (given or "").encode()):
            self._let_past = True
        looked = None if self._let_past else self.look_at_code()
        if self._let_past:
            return True
        if looked is not None and session.account is None:
            self._refuse_code(looked)
        session.hub.log.info("server password wrong", session=session.number, address=session.address)
        if given:
            log_failure(session, "PASS", "wrong")
        session.link.queue(session.numeric(Numeric.ERR_PASSWDMISMATCH))
        session.end("The password of the server is wrong or missing")
        return False

    def _has_to_register(self) -> bool:
        """Whether the client has everything but the account that it needs, and a code that opens one: then it is told
        what to do, and kept. Most clients know nothing of REGISTER, and their users can't be faster than they."""
        session = self._session
        if session.account is not None or session.hub.config.accounts.guests:
            return False
        looked = self.look_at_code()
        if looked is None:
            return False
        if looked.code is None or looked.why:
            self._refuse_code(looked)
            return False  # the chat says the rest
        wanted = looked.code.name
        what = f"You can set a new password for {wanted}" if looked.code.account_id else "You have been invited"
        if wanted and casefold(wanted) != casefold(session.nick):
            session.link.queue(
                session.line(
                    f"NOTICE {session.nick} :{what}. Your code is for {wanted}, so say that "
                    f"this is your nick: /quote NICK {wanted}"
                )
            )
        else:
            session.link.queue(
                session.line(
                    f"NOTICE {session.nick} :{what}. Choose a password, and type: /quote REGISTER * * :the password"
                )
            )
        if not self._asked_to_register:
            self._asked_to_register = True
            self.deadline = max(self.deadline, time.monotonic() + INVITED_SECONDS)
        return True

    def _refuse_code(self, looked: Looked) -> None:
        """Say why the code opens nothing to a client that has come with nothing else."""
        code = NOT_GOOD.get(looked.why, Code.TEMPORARILY_UNAVAILABLE)
        words = TOO_MANY_WRONG if looked.why == THROTTLED else None
        session = self._session
        session.link.queue(session.answer(fail(code, "REGISTER", session.nick, description=words)))

    def mask_with(self, account: str) -> str:
        """How others will see the client if it comes with this account."""
        session = self._session
        return f"{session.nick}!{self.username or '*'}@{session.hub.host_of(session.address, account)}"


def _seen_before(session: Session) -> int:
    """Up to which stamp another connection of the same device has surely seen what was said: one that is broken, and
    that nobody here knows to be, in most cases. 0: there is none."""
    account = session.account
    if account is None or not session.device:
        return 0
    return max(
        (
            other.seen
            for other in session.hub.all_sessions()
            if other.device == session.device and other.account is not None and other.account.id == account.id
        ),
        default=0,
    )


def _worn_by_guest(chat: Chat, nick: str) -> bool:
    user = chat.users.get(casefold(nick))
    return user is not None and user.account_id is None
