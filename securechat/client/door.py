"""How to get into a chat, as often as it takes."""

import ssl
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from securechat.client.certificate_files import Saved
from securechat.client.connection import Client
from securechat.client.dial import dial
from securechat.client.first_contact import PATIENCE
from securechat.client.logins import Certificate, Invitation, Login, Password

_GOODBYE: Final = 1.0  # seconds for the end of TLS


class Door:
    """How to get in: the server, and who one is there. See `Client.connect`.

    `login` is what the next connection will use. It changes by itself: an invitation that has been taken is a password
    from then on, also if the connection broke before one was in.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext, nick: str, login: Login | None) -> None:
        self.host = host
        self.port = port
        self.context = context
        self.nick = nick
        self.login = login

    def verify(self) -> None:
        """Before somebody types a password: make sure that the server is there, and is the one.

        A connection of its own, on which nothing is said. It is not kept for the login: people take longer to type
        than servers wait for one, and the next connection, like all others, is verified by itself. To the server it is
        one more of those that it takes from an address in a minute, no attempt to log in, and one line of its log.

        Raises what `dial` raises.
        """
        dial(self.host, self.port, self.context, PATIENCE).close(_GOODBYE)

    def open(self, client: Client, later: Iterable[str]) -> None:
        """Connect, verify the server, log in. Raises what `Client.connect` raises."""
        try:
            client.connect(self.host, self.port, self.context, nick=self.nick, login=self.login, later=later)
        finally:
            self.login = client.next_login or self.login

    @property
    def saved(self) -> Saved | None:
        """The saved server that it leads to."""
        return None

    @property
    def account(self) -> str:
        """The account that one logs in to; empty for nobody."""
        if self.login is None:
            return ""
        login = self.login.account if isinstance(self.login, Invitation) else self.login.login
        return login.partition("@")[0]

    def password_changed(self, password: str) -> None:
        """The account has another password now, which the next connection will need."""
        match self.login:
            case Password(login=login):
                self.login = Password(login, password)
            case Certificate(otherwise=Password(login=login)):
                self.login = replace(self.login, otherwise=Password(login, password))

    def __repr__(self) -> str:
        return f"<Door to {self.host} port {self.port}, {self.login}>"
