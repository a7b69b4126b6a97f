"""What became of requests. An event is stored, then shown to the sessions in its ``audience``.

Each has the stamp of its request, and holds all that is needed to write it down and to render it: what the state says
when it is delivered may be of a later day.
"""

from __future__ import annotations

from securechat.chat.events.accounts import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    CertificateAdded,
    CertificateRemoved,
    InviteCodeMade,
    InviteCodeRevoked,
    InviteCodeUsed,
    PasswordSet,
    Rehashed,
)
from securechat.chat.events.channels import (
    ChannelMade,
    ChannelRecord,
    ChannelRenamed,
    ChannelView,
    Invited,
    Joined,
    Kicked,
    MemberView,
    ModesChanged,
    OwnerChanged,
    Parted,
    TopicChanged,
    record,
    view,
)
from securechat.chat.events.metadata import MetadataChanged
from securechat.chat.events.network import Banned, Killed, RulesSet, Started, Unbanned, WallopsSaid
from securechat.chat.events.presence import (
    AccountChanged,
    Arrived,
    AwayChanged,
    DeviceSeen,
    DevicesSeen,
    HostChanged,
    Left,
    NickChanged,
    Place,
    RealnameChanged,
    Returned,
    SessionsEnded,
    SettingsChanged,
    Silenced,
    UserModesChanged,
)
from securechat.chat.events.talk import Collected, IdsForgotten, MarkerMoved, Redacted, Said, SaidBefore

__all__ = [
    "AccountAdded",
    "AccountChanged",
    "AccountEnabled",
    "AccountRemoved",
    "Arrived",
    "AwayChanged",
    "Banned",
    "CertificateAdded",
    "CertificateRemoved",
    "ChannelMade",
    "ChannelRecord",
    "ChannelRenamed",
    "ChannelView",
    "Collected",
    "DeviceSeen",
    "DevicesSeen",
    "Event",
    "HostChanged",
    "IdsForgotten",
    "InviteCodeMade",
    "InviteCodeRevoked",
    "InviteCodeUsed",
    "Invited",
    "Joined",
    "Kicked",
    "Killed",
    "Left",
    "MarkerMoved",
    "MemberView",
    "MetadataChanged",
    "ModesChanged",
    "NickChanged",
    "OwnerChanged",
    "Parted",
    "PasswordSet",
    "Place",
    "RealnameChanged",
    "Redacted",
    "Rehashed",
    "Returned",
    "RulesSet",
    "Said",
    "SaidBefore",
    "SessionsEnded",
    "SettingsChanged",
    "Silenced",
    "Started",
    "TopicChanged",
    "Unbanned",
    "UserModesChanged",
    "WallopsSaid",
    "record",
    "view",
]

Event = (
    Said
    | SaidBefore
    | Collected
    | Redacted
    | MarkerMoved
    | IdsForgotten
    | Started
    | RulesSet
    | Arrived
    | Returned
    | DevicesSeen
    | SettingsChanged
    | Left
    | NickChanged
    | AwayChanged
    | RealnameChanged
    | AccountChanged
    | HostChanged
    | UserModesChanged
    | Silenced
    | SessionsEnded
    | ChannelMade
    | Joined
    | Parted
    | Kicked
    | Invited
    | TopicChanged
    | ModesChanged
    | ChannelRenamed
    | OwnerChanged
    | MetadataChanged
    | AccountAdded
    | PasswordSet
    | Rehashed
    | AccountEnabled
    | AccountRemoved
    | CertificateAdded
    | CertificateRemoved
    | InviteCodeMade
    | InviteCodeRevoked
    | InviteCodeUsed
    | WallopsSaid
    | Killed
    | Banned
    | Unbanned
)
