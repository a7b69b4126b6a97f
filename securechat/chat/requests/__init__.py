"""What somebody wants. Requests hold all that the answer depends on, except the state and the stamp.

``session`` is the number of the connection that asks. Requests without one come from the operator or the server.
"""

from __future__ import annotations

from securechat.chat.requests.accounts import (
    AddAccount,
    AddCertificate,
    EnableAccount,
    MakeInviteCode,
    Registrant,
    Rehash,
    RemoveAccount,
    RemoveCertificate,
    RevokeInviteCode,
    SetPassword,
)
from securechat.chat.requests.channels import Invite, Join, Kick, Part, RenameChannel, SetModes, SetOwner, SetTopic
from securechat.chat.requests.metadata import ClearMetadata, SetMetadata
from securechat.chat.requests.network import AddBan, BecomeOperator, Kill, RemoveBan, SetRules, Start, Wallops
from securechat.chat.requests.presence import (
    Arrive,
    ChangeNick,
    Depart,
    LogIn,
    SetAlwaysOn,
    SetAway,
    SetRealname,
    SetReplay,
    SetUserModes,
    Silence,
)
from securechat.chat.requests.talk import Collect, ForgetIds, MarkRead, Original, Redact, Say, Speech

__all__ = [
    "AddAccount",
    "AddBan",
    "AddCertificate",
    "Arrive",
    "BecomeOperator",
    "ChangeNick",
    "ClearMetadata",
    "Collect",
    "Depart",
    "EnableAccount",
    "ForgetIds",
    "Invite",
    "Join",
    "Kick",
    "Kill",
    "LogIn",
    "MakeInviteCode",
    "MarkRead",
    "Original",
    "Part",
    "Redact",
    "Registrant",
    "Rehash",
    "RemoveAccount",
    "RemoveBan",
    "RemoveCertificate",
    "RenameChannel",
    "Request",
    "RevokeInviteCode",
    "Say",
    "SetAlwaysOn",
    "SetAway",
    "SetMetadata",
    "SetModes",
    "SetOwner",
    "SetPassword",
    "SetRealname",
    "SetReplay",
    "SetRules",
    "SetTopic",
    "SetUserModes",
    "Silence",
    "Speech",
    "Start",
    "Wallops",
]

Request = (
    Start
    | SetRules
    | Arrive
    | Depart
    | LogIn
    | ChangeNick
    | SetAway
    | SetReplay
    | SetAlwaysOn
    | SetRealname
    | SetUserModes
    | Silence
    | Join
    | Part
    | Kick
    | Invite
    | SetTopic
    | SetModes
    | RenameChannel
    | SetOwner
    | Say
    | Collect
    | Redact
    | MarkRead
    | ForgetIds
    | SetMetadata
    | ClearMetadata
    | AddAccount
    | SetPassword
    | Rehash
    | EnableAccount
    | RemoveAccount
    | AddCertificate
    | RemoveCertificate
    | MakeInviteCode
    | RevokeInviteCode
    | BecomeOperator
    | Kill
    | Wallops
    | AddBan
    | RemoveBan
)
