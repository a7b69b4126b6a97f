"""FAIL, WARN and NOTE, and the one list of their codes (IRCv3 Standard Replies).

    FAIL <command> <code> [<context>...] :<description>

A code is for programs, the description for people. Numerics that exist for a case are used in its place ("SHOULD NOT
replace standardised error numerics").
"""

from dataclasses import dataclass
from enum import StrEnum

from securechat.irc.words import check_line, word


class Code(StrEnum):
    """The codes in use, each with its usual description. Names are those of the IRCv3 registry where it has one."""

    description: str

    def __new__(cls, code: str, description: str) -> "Code":
        """The code, which is its own value, with its description at hand."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    ACCOUNT_EXISTS = "ACCOUNT_EXISTS", "There is an account with that name already"
    ACCOUNT_NAME_MUST_BE_NICK = "ACCOUNT_NAME_MUST_BE_NICK", "The account must have your nick as its name"
    ACCOUNT_REQUIRED = "ACCOUNT_REQUIRED", "You must log in to an account before you can connect"
    ACCOUNT_REQUIRED_TO_CONNECT = "ACCOUNT_REQUIRED_TO_CONNECT", "You need an account to connect to this network"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN", "There is no such account"
    ADDED = "ADDED", "This certificate logs you in from now on"
    ALREADY_AUTHENTICATED = "ALREADY_AUTHENTICATED", "You are logged in to an account already"
    BAD_ACCOUNT_NAME = "BAD_ACCOUNT_NAME", "That can't be the name of an account"
    BANNED = "BANNED", "This is kept off the server from now on"
    CANNOT_RENAME = "CANNOT_RENAME", "Only its owner can, to a new name that can be one"
    CERTIFICATE = "CERTIFICATE", "A certificate of yours, without a name"
    CERTIFICATE_EXISTS = "CERTIFICATE_EXISTS", "This certificate is registered already"
    CHANGED = "CHANGED", "The password is changed; your other connections are closed"
    CHANNEL_NAME_IN_USE = "CHANNEL_NAME_IN_USE", "There is a channel with that name already"
    CHANNEL_OWNER = "CHANNEL_OWNER", "The channel belongs to this account"
    CONFIG_BAD = "CONFIG_BAD", "The configuration could not be read again; nothing was changed"
    CONFIG_NOTE = "CONFIG_NOTE", "There is something to know about the configuration"
    DOUBTFUL_LINK = "DOUBTFUL_LINK", "The link may not work"
    END_OF_BANS = "END_OF_BANS", "End of the list of bans"
    END_OF_INVITATIONS = "END_OF_INVITATIONS", "End of the list of invitations"
    EXPIRED_CODE = "EXPIRED_CODE", "The invitation has expired: ask for another"
    END_OF_CERTIFICATES = "END_OF_CERTIFICATES", "End of the list of certificates"
    ENROLMENT_UNAVAILABLE = "ENROLMENT_UNAVAILABLE", "This server signs no certificates for clients"
    INTERNAL_ERROR = "INTERNAL_ERROR", "The server made a mistake; nothing was changed"
    INVALID_BAN = "INVALID_BAN", "That can't be banned"
    INVALID_CERTIFICATE = "INVALID_CERTIFICATE", "That is no certificate that can log you in"
    INVALID_CODE = "INVALID_CODE", "That is not the code, or not any more"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS", "The old password is not the right one"
    INVALID_EMAIL = "INVALID_EMAIL", "That is no email address"
    INVALID_KEY = "INVALID_KEY", "That can't be a key"
    INVALID_MASK = "INVALID_MASK", "That is no mask"
    INVALID_MSGREFTYPE = "INVALID_MSGREFTYPE", "That is no kind of reference to a message that is known here"
    INVALID_PARAMS = "INVALID_PARAMS", "The parameters are not what this command needs"
    INVALID_REALNAME = "INVALID_REALNAME", "Realname is not valid"
    INVALID_REFTAG = "INVALID_REFTAG", "The tag of a batch is letters, digits and hyphens"
    INVALID_REQUEST = "INVALID_REQUEST", "That is no request for a certificate"
    INVALID_TARGET = "INVALID_TARGET", "There is nothing like that to do this with"
    INVALID_UTF8 = "INVALID_UTF8", "Message rejected, your software must use UTF-8 on this network"
    INVALID_VALUE = "INVALID_VALUE", "That can't be the value of this key"
    INVITED = "INVITED", "This is an invitation"
    KEY_NO_PERMISSION = "KEY_NO_PERMISSION", "You may not do that with this key"
    LIMIT_REACHED = "LIMIT_REACHED", "There can't be more of these"
    LINK = "LINK", "Give this link to who is invited, and to nobody else"
    MESSAGE_CUT = "MESSAGE_CUT", "The message was too long for one line; others got only its beginning"
    MESSAGE_ERROR = "MESSAGE_ERROR", "Messages could not be retrieved"
    MULTILINE_INVALID = "MULTILINE_INVALID", "Invalid multiline batch"
    MULTILINE_INVALID_TARGET = "MULTILINE_INVALID_TARGET", "Invalid multiline target"
    MULTILINE_MAX_BYTES = "MULTILINE_MAX_BYTES", "Multiline batch max-bytes exceeded"
    MULTILINE_MAX_LINES = "MULTILINE_MAX_LINES", "Multiline batch max-lines exceeded"
    NEED_MORE_PARAMS = "NEED_MORE_PARAMS", "Missing parameters"
    NEED_NICK = "NEED_NICK", "You must choose a nick before you can do that"
    NEED_REGISTRATION = "NEED_REGISTRATION", "You must finish connecting before you can do that"
    NO_AUTHORITY = "NO_AUTHORITY", "The certificate of this server is not signed by an authority of its own"
    NO_LIST = "NO_LIST", "There is no list of revoked certificates here"
    NO_SUCH_BAN = "NO_SUCH_BAN", "There is no such ban"
    NO_SUCH_INVITATION = "NO_SUCH_INVITATION", "There is no such invitation"
    NO_SUCH_CERTIFICATE = "NO_SUCH_CERTIFICATE", "You have no such certificate"
    REDACT_FORBIDDEN = "REDACT_FORBIDDEN", "You are not authorised to delete this message"
    REDACT_WINDOW_EXPIRED = "REDACT_WINDOW_EXPIRED", "You can no longer take this message back"
    UNKNOWN_MSGID = "UNKNOWN_MSGID", "This message does not exist or is too old"
    NOT_OWNER = "NOT_OWNER", "The channel is not yours"
    SETTING = "SETTING", "This is what you have chosen"
    REGISTRATION_CLOSED = "REGISTRATION_CLOSED", "Accounts are made by invitation here: ask who runs the server"
    RELOADED = "RELOADED", "The configuration and the certificate were read again, and are in force"
    REMOVED = "REMOVED", "This certificate logs you in no more"
    RESTART_NEEDED = "RESTART_NEEDED", "This has changed and needs a restart"
    REVOCATION_UNAVAILABLE = "REVOCATION_UNAVAILABLE", "This server can't revoke it; whoever runs the server can"
    REVOKED = "REVOKED", "The invitation opens nothing any more"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE", "That does not work at the moment; try again later"
    TIMEOUT = "TIMEOUT", "The batch was open for too long"
    TOO_MANY_CHANNELS = "TOO_MANY_CHANNELS", "They own as many channels as they may"
    WAITING = "WAITING", "Passwords are looked at one after the other; so many come before yours"
    UNACCEPTABLE_PASSWORD = "UNACCEPTABLE_PASSWORD", "That can't be a password here"
    UNBANNED = "UNBANNED", "This is not kept off the server any more"
    UNKNOWN_TYPE = "UNKNOWN_TYPE", "There are no batches of this type here"
    USED_CODE = "USED_CODE", "The invitation has been used up: ask for another"
    VALID = "VALID", "The invitation is good"
    WEAK_PASSWORD = "WEAK_PASSWORD", "That password is too easy to guess"


@dataclass(frozen=True, slots=True)
class StandardReply:
    """One such reply: `verb` is FAIL, WARN or NOTE; `context` are words for whoever looks for the cause."""

    verb: str
    command: str
    code: Code
    context: tuple[str, ...]
    description: str

    def render(self, client: str = "*") -> str:
        """The line without source and CR LF. `client` is not used: it is there so that all answers render alike."""
        del client
        words = " ".join(map(word, (self.verb, self.command, self.code.value, *self.context)))
        return check_line(f"{words} :{self.description}")


def fail(code: Code, command: str = "*", *context: str, description: str | None = None) -> StandardReply:
    """FAIL: the command did not do what it should. `command` is `*` when there was none, or none that could be read."""
    return StandardReply("FAIL", command, code, context, description or code.description)


def warn(code: Code, command: str = "*", *context: str, description: str | None = None) -> StandardReply:
    """WARN: it was done, and there is something to know about it."""
    return StandardReply("WARN", command, code, context, description or code.description)


def note(code: Code, command: str = "*", *context: str, description: str | None = None) -> StandardReply:
    """NOTE: only to say something."""
    return StandardReply("NOTE", command, code, context, description or code.description)
