"""The chat itself: a deterministic state machine. No sockets, no threads, no clock, no database.

``stamps``    the one number that says where something stands in the log, when it was, and what its msgid is
``model``     accounts, users, channels, memberships
``requests``  what somebody wants
``events``    what became of it, and who sees it
``refusals``  why not
``machine``   :class:`Chat`: applies requests in order, and can undo them
``accounts``, ``presence``, ``channels``, ``talk`` and the like   its rules, by family
``views``     answers to questions, copied out of the state
"""

from securechat.chat import (  # noqa: F401 - the rules register themselves
    accounts,
    certificates,
    channel_modes,
    channels,
    client_ids,
    inviting,
    login,
    metadata,
    operators,
    ownership,
    people,
    presence,
    redaction,
    residence,
    talk,
)
