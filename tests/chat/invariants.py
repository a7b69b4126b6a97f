"""What holds of every chat after every request. Each law is a function, and its sentence says what it is."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass

from securechat.chat.channel import Channel, Membership
from securechat.chat.channel_modes import MAX_ACCESS, MAX_LIMIT
from securechat.chat.channels import MAX_INVITATIONS
from securechat.chat.devices import here
from securechat.chat.inviting import MAX_USES
from securechat.chat.machine import MAX_IDS, Chat
from securechat.chat.metadata import valid_key
from securechat.chat.model import NOBODY_THERE, BanKind, Settings, User, away_of
from securechat.chat.modes import CHANNEL_MODES, LISTS, USER_MODES
from securechat.chat.operators import MAX_BANS
from securechat.chat.server_bans import network_of
from securechat.irc.extban import BanMask, complete_mask
from securechat.irc.modes import ModeKind
from securechat.irc.names import casefold, valid_channel, valid_nick


def check_chat(chat: Chat) -> None:
    """What is said in two places is the same in both, and what must not be is not."""
    for law in LAWS:
        law(chat)


def accounts_are_known_by_name_and_by_id(chat: Chat) -> None:
    """An account is found by its casefolded name and by its id, and both ways lead to the same."""
    assert chat.accounts_by_id == {account.id: account for account in chat.accounts.values()}
    assert all(key == casefold(account.name) for key, account in chat.accounts.items())


def a_session_is_one_users(chat: Chat) -> None:
    """Every session belongs to exactly one user, and a user who is not always on goes with the last session."""
    assert chat.sessions == {session: user for user in chat.users.values() for session in user.sessions}
    assert sum(len(user.sessions) for user in chat.users.values()) == len(chat.sessions)
    for user in chat.users.values():
        assert user.audience == tuple(user.sessions)
        assert user.devices.keys() <= user.sessions.keys()
        assert user.catching_up <= user.sessions.keys()
        assert user.account_id is not None or not user.catching_up
        if not user.sessions:
            settings = chat.settings.get(user.account_id or 0)
            assert settings is not None
            assert settings.always_on
            assert user.away == NOBODY_THERE


def a_nick_has_one_owner(chat: Chat) -> None:
    """Nobody shares a nick, nobody but its owner wears an account's name, and without guests there is no other nick."""
    for key, user in chat.users.items():
        assert key == user.key == casefold(user.nick)
        assert valid_nick(user.nick)
        assert user.source == f"{user.nick}!{user.username}@{user.host}"
        owner = chat.accounts.get(key)
        assert owner is None or owner.id == user.account_id
        assert chat.rules.guests or user.nick == user.account


def an_account_is_one_user(chat: Chat) -> None:
    """All sessions of an account are one user's, and it is enabled; who has none is a guest, where they may be."""
    of_accounts = [user for user in chat.users.values() if user.account_id is not None]
    assert chat.users_by_account == {user.account_id: user for user in of_accounts}
    assert len(chat.users_by_account) == len(of_accounts)
    for user in chat.users.values():
        if user.account_id is None:
            assert user.account is None
            assert chat.rules.guests
        else:
            account = chat.accounts_by_id[user.account_id]
            assert account.enabled
            assert user.account == account.name


def members_and_channels_agree(chat: Chat) -> None:
    """A user is in the channels that have them as a member, and in no others."""
    for user in chat.users.values():
        assert all(chat.channels[key] is channel and user in channel.members for key, channel in user.channels.items())
    for key, channel in chat.channels.items():
        assert key == channel.key == casefold(channel.name)
        for user in channel.members:
            assert chat.users[user.key] is user
            assert user.channels[key] is channel
    assert len({channel.id for channel in chat.channels.values()}) == len(chat.channels)


def what_is_remembered_is_what_a_fresh_look_finds(chat: Chat) -> None:
    """The audience, the roll and who is muted are kept until something changes, and never longer."""
    for channel in chat.channels.values():
        assert channel.audience == tuple(session for user in channel.members for session in user.sessions)
        assert [(m.prefix, m.nick, m.source, m.invisible) for m in channel.roll] == [
            (membership.prefix, user.nick, user.source, "i" in user.modes)
            for user, membership in channel.members.items()
        ]
        for user, verdict in channel._verdicts.items():
            assert user in channel.members, "nothing is remembered of who is not there"
            banned, excepted = (
                any(e.mask.matches(user.source, user.account) for e in channel.lists[letter].values())
                for letter in "be"
            )
            assert verdict is (banned and not excepted)


def restricted_says_whether_anything_restricts(chat: Chat) -> None:
    """A channel is ``restricted`` if it has a ban, or is moderated, or wants accounts of speakers, or no CTCP."""
    for channel in chat.channels.values():
        assert channel.restricted is (len(channel.lists["b"]) > 0 or not {"m", "M", "C"}.isdisjoint(channel.flags))


def a_channel_belongs_to_somebody_or_has_members(chat: Chat) -> None:
    """A channel is an account's, or the server's, or nobody's: then it goes with its last member."""
    for channel in chat.channels.values():
        assert channel.lasting or channel.members
        assert channel.founder in (None, 0) or channel.founder in chat.accounts_by_id
    if chat.channels:  # so it has started
        assert chat.channels[casefold(chat.rules.lobby)].founder == 0, "the lobby is there, and the server's"


def founded_counts_the_channels_of_an_account(chat: Chat) -> None:
    """``founded`` is how many channels belong to each account that has any."""
    founders = [channel.founder for channel in chat.channels.values() if channel.founder]
    assert chat.founded == {founder: founders.count(founder) for founder in founders}


def invitations_agree(chat: Chat) -> None:
    """Channels and users agree on who is invited: those who are there, into what is there, and where they are not."""
    for user in chat.users.values():
        assert len(user.invitations) <= MAX_INVITATIONS
        for key, channel in user.invitations.items():
            assert chat.channels[key] is channel
            assert user in channel.invited
    for channel in chat.channels.values():
        for user in channel.invited:
            assert chat.users[user.key] is user
            assert user.invitations[channel.key] is channel
            assert user not in channel.members


def memberships_are_of_the_known_modes(chat: Chat) -> None:
    """What a member is, is one of the few memberships that there are."""
    for channel in chat.channels.values():
        assert all(membership is Membership.of(membership.modes) for membership in channel.members.values())


def access_is_for_accounts_where_it_lasts(chat: Chat) -> None:
    """Only an account that exists is anything in a channel whenever it comes, and only in a channel that lasts."""
    for channel in chat.channels.values():
        assert channel.lasting or not channel.access
        assert channel.access.keys() <= chat.accounts_by_id.keys()
        assert all(modes and modes == Membership.of(modes).modes for modes in channel.access.values())
        assert len(channel.access) <= MAX_ACCESS


def modes_are_known_and_sorted(chat: Chat) -> None:
    """Channels and users have modes that there are, each once, in order; entries of lists stand under their own key."""
    flags = {mode.letter for mode in CHANNEL_MODES.values() if mode.kind is ModeKind.FLAG}
    for channel in chat.channels.values():
        assert list(channel.flags) == sorted(set(channel.flags) & flags)
        assert channel.limit is None or 0 < channel.limit <= MAX_LIMIT
        assert channel.join_key is None or channel.join_key
        assert channel.lists.keys() == set(LISTS)
        for entries in channel.lists.values():
            for key, entry in entries.items():
                assert key == casefold(entry.text)
                assert entry.text == complete_mask(entry.text)
                assert entry.mask == BanMask.parse(entry.text)
    for user in chat.users.values():
        assert list(user.modes) == sorted(set(user.modes) & USER_MODES.keys())


def what_an_account_says_is_its_users(chat: Chat) -> None:
    """Whom a user silences, and their metadata, are the account's own; what is empty is not kept."""
    for kept in (chat.silenced, chat.metadata):
        assert kept.keys() <= chat.accounts_by_id.keys()
        assert all(kept.values())
    for user in chat.users.values():
        if user.account_id is not None:
            assert user.silenced is chat.silenced.get(user.account_id, user.silenced)
            assert user.metadata is chat.metadata.get(user.account_id, user.metadata)
            assert bool(user.silenced) is (user.account_id in chat.silenced)
            assert bool(user.metadata) is (user.account_id in chat.metadata)
        assert len({casefold(text) for text in user.silenced}) == len(user.silenced)
        assert all(mask == BanMask.parse(text) and not mask.mute for text, mask in user.silenced.items())
    owners: list[User | Channel] = [*chat.users.values(), *chat.channels.values()]
    for owner in owners:
        assert all(map(valid_key, owner.metadata))


def somebody_is_away_when_all_sessions_are(chat: Chat) -> None:
    """A user is away when nobody is at any of the sessions."""
    for user in chat.users.values():
        assert user.away == away_of(user.sessions)
        assert "" not in user.sessions.values()


def bans_are_found_by_what_they_ban(chat: Chat) -> None:
    """A ban of the server stands under its kind and its casefolded mask, in the one way in which that is written."""
    assert len(chat.bans) <= MAX_BANS
    for (kind, key), ban in chat.bans.items():
        assert (kind, key) == (ban.kind, casefold(ban.mask))
        if kind is BanKind.NETWORK:
            assert ban.mask == str(network_of(ban.mask))
        else:
            assert valid_nick(ban.mask)


def messages_wait_for_accounts(chat: Chat) -> None:
    """Private messages wait only for accounts that exist, and their number is known."""
    assert chat.held.keys() == chat.held_numbers.keys()
    assert chat.held.keys() <= chat.accounts_by_id.keys()
    assert all(number > 0 for number in chat.held_numbers.values())


def who_an_account_was_is_who_it_is_again(chat: Chat) -> None:
    """Channels and accounts agree on who is in a channel whenever they come: accounts and channels that there are."""
    for account_id, channels in chat.remembered.items():
        assert channels
        assert account_id in chat.accounts_by_id
        for channel_id, channel in channels.items():
            assert channel.id == channel_id
            assert chat.channels[channel.key] is channel
            assert account_id in channel.residents
    for channel in chat.channels.values():
        assert all(channel.id in chat.remembered[account_id] for account_id in channel.residents)


def who_is_there_may_read_what_was_said_there(chat: Chat) -> None:
    """Every member has a right to read, since before now; a guest who is not there has none, nor an account that is not
    any more; and a channel is open since some moment exactly when it is not closed."""
    for channel in chat.channels.values():
        assert (channel.open_since is None) is channel.closed
        assert channel.open_since is None or channel.created <= channel.open_since <= chat.stamp
        members = {user.id for user in channel.members}
        assert members <= channel.readers.keys()
        assert channel.readers.keys() <= members | chat.accounts_by_id.keys()
        assert all(channel.created <= since <= chat.stamp for since in channel.readers.values())
        assert all((since := channel.reads_from(user)) is not None and since <= chat.stamp for user in channel.members)


def users_have_ids_of_their_own(chat: Chat) -> None:
    """A user is known by the account's id, and a guest by the stamp of the arrival, which no account has."""
    for user in chat.users.values():
        assert user.id == (user.since if user.account_id is None else user.account_id)
        assert user.account_id is not None or user.id not in chat.accounts_by_id
    assert len({user.id for user in chat.users.values()}) == len(chat.users)


def what_is_kept_of_accounts_is_of_those_that_exist(chat: Chat) -> None:
    """Settings, devices and the like are of accounts, ids of messages also of guests who are there; and nothing is kept
    that is as usual."""
    for kept in (chat.settings, chat.devices, chat.left_behind, chat.markers):
        assert kept.keys() <= chat.accounts_by_id.keys()
    assert all(settings != Settings() for settings in chat.settings.values())
    assert all(chat.devices.values())
    assert all(
        names.keys() <= chat.devices[account_id].keys() for account_id, names in (chat.left_behind | here(chat)).items()
    )
    guests = {user.id for user in chat.users.values() if user.account_id is None}
    assert chat.client_ids.keys() <= chat.accounts_by_id.keys() | guests
    for ids in chat.client_ids.values():
        assert 0 < len(ids) <= MAX_IDS
        assert list(ids.values()) == sorted(set(ids.values())), "in the order in which they were said"
    for user in chat.users.values():
        if user.account_id is not None:
            assert user.markers is chat.markers.get(user.account_id, user.markers)
            assert bool(user.markers) is (user.account_id in chat.markers)


def certificates_are_of_accounts(chat: Chat) -> None:
    """A registered certificate is found by its fingerprint, and is the one of an account that there is."""
    assert all(fingerprint == entry.fingerprint for fingerprint, entry in chat.certificates.items())
    assert {entry.account_id for entry in chat.certificates.values()} <= chat.accounts_by_id.keys()


def invite_codes_are_good_for_something(chat: Chat) -> None:
    """A code is found by its digest; it has no more uses left than it had, one if it is for a name; a password is reset
    by one code at most, which makes no administrator."""
    resets = [code.account_id for code in chat.invite_codes.values() if code.account_id]
    assert len(resets) == len(set(resets))
    assert set(resets) <= chat.accounts_by_id.keys()
    for digest, code in chat.invite_codes.items():
        assert digest == code.digest
        assert 0 <= code.left <= code.uses <= MAX_USES
        assert code.uses == 1 or not code.name
        assert not (code.account_id and code.admin)


def retired_names_are_casefolded(chat: Chat) -> None:
    """A name is retired as it is looked up; nobody who has it now had it then."""
    for name, stamp in chat.retired.items():
        assert name == casefold(name)
        assert name not in chat.accounts or chat.accounts[name].created > stamp


def names_are_valid(chat: Chat) -> None:
    """No account or channel has a name that nobody could write."""
    assert all(valid_nick(account.name) for account in chat.accounts.values())
    assert all(valid_channel(channel.name) for channel in chat.channels.values())


LAWS: tuple[Callable[[Chat], None], ...] = (
    accounts_are_known_by_name_and_by_id,
    a_session_is_one_users,
    a_nick_has_one_owner,
    an_account_is_one_user,
    members_and_channels_agree,
    what_is_remembered_is_what_a_fresh_look_finds,
    restricted_says_whether_anything_restricts,
    a_channel_belongs_to_somebody_or_has_members,
    founded_counts_the_channels_of_an_account,
    invitations_agree,
    memberships_are_of_the_known_modes,
    access_is_for_accounts_where_it_lasts,
    modes_are_known_and_sorted,
    what_an_account_says_is_its_users,
    somebody_is_away_when_all_sessions_are,
    bans_are_found_by_what_they_ban,
    messages_wait_for_accounts,
    who_an_account_was_is_who_it_is_again,
    who_is_there_may_read_what_was_said_there,
    users_have_ids_of_their_own,
    what_is_kept_of_accounts_is_of_those_that_exist,
    certificates_are_of_accounts,
    invite_codes_are_good_for_something,
    retired_names_are_casefolded,
    names_are_valid,
)


def normal(value: object) -> object:
    """An event without the order of its listeners, members and channels: nobody is promised one, and undo loses it."""
    if isinstance(value, tuple):
        return sorted(map(normal, value), key=repr)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), {field.name: normal(getattr(value, field.name)) for field in fields(value) if field.compare}
    return value
