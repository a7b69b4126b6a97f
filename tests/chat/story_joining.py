"""A chapter of the story: invite codes, and the certificates of accounts."""

from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    AddCertificate,
    BecomeOperator,
    EnableAccount,
    MakeInviteCode,
    Registrant,
    RemoveAccount,
    RemoveCertificate,
    RevokeInviteCode,
    SetPassword,
    Start,
)
from securechat.chat.stamps import STEP_BITS
from tests.chat.room import Room

DAY = 86_400_000


def digest(number: int) -> str:
    return f"{number:064x}"[::-1]


def certificate(session: int, number: int) -> AddCertificate:
    return AddCertificate(session, digest(number), b"der", "a laptop", 2_000_000_000)


def after(room: Room, ms: int) -> int:
    """A stamp so much later than the next request's."""
    return room.stamp + (ms << STEP_BITS)


def codes(room: Room) -> None:
    """Quinn invites, and one takes the place that another wanted."""
    room.do(Start(Rules(guests=True, invite_codes=4)))
    quinn, rose = room.account("quinn", Role.ADMIN), room.account("rose")
    first, second = room.enter(quinn), room.enter(rose)
    guest = room.enter("shift")
    until = after(room, DAY)
    room.refused(MakeInviteCode(second, digest(1), "", False, 1, until), Reason.NO_PRIVILEGES)
    room.refused(RevokeInviteCode(second, "1"), Reason.NO_PRIVILEGES)
    room.do(BecomeOperator(guest, "night shift"))
    room.refused(MakeInviteCode(guest, digest(1), "", True, 1, until), Reason.NO_PRIVILEGES)
    room.refused(MakeInviteCode(guest, digest(1), "rose", False, 1, until, True), Reason.NO_PRIVILEGES)
    room.refused(MakeInviteCode(first, digest(1), "ROSE", False, 1, until), Reason.ACCOUNT_EXISTS, "rose")
    room.refused(MakeInviteCode(first, digest(1), "no nick", False, 1, until), Reason.BAD_ACCOUNT_NAME, "no nick")
    room.refused(MakeInviteCode(None, digest(1), "sue", False, 1, until, True), Reason.NO_SUCH_ACCOUNT, "sue")
    room.do(MakeInviteCode(guest, digest(1), "", False, 2, until))
    room.do(MakeInviteCode(first, digest(2), "Sue", True, 7, until))
    room.do(MakeInviteCode(None, digest(3), "rose", True, 1, until, True))
    room.do(MakeInviteCode(None, digest(4), "rose", False, 1, until, True))

    room.refused(AddAccount("tom", "", code=digest(9)), Reason.BAD_INVITE_CODE, "unknown", "")
    room.refused(AddAccount("tom", "", code=digest(2)), Reason.BAD_INVITE_CODE, "name", "Sue")
    room.refused(AddAccount("tom", "", code=digest(4)), Reason.BAD_INVITE_CODE, "kind", "rose")
    room.refused(SetPassword("quinn", "", code=digest(4)), Reason.BAD_INVITE_CODE, "name", "rose")
    room.refused(SetPassword("rose", "", code=digest(1)), Reason.BAD_INVITE_CODE, "kind", "")
    room.do(AddAccount("tom", "hash", by=Registrant(99, "192.0.2.1", "h"), code=digest(1)))
    room.do(AddAccount("uma", "hash", Role.ADMIN, code=digest(1)))
    room.refused(AddAccount("vic", "", code=digest(1)), Reason.BAD_INVITE_CODE, "used", "")
    room.do(AddAccount("sue", "hash", scram="verifier", code=digest(2)))
    room.do(SetPassword("rose", "another", scram="verifier", code=digest(4)))
    room.refused(SetPassword("rose", "again", code=digest(4)), Reason.BAD_INVITE_CODE, "used", "rose")

    # Three are remembered, and useless.
    room.do(MakeInviteCode(first, digest(5), "", False, 2, after(room, 1000)))
    room.do(MakeInviteCode(first, digest(6), "rose", False, 1, until, True))
    room.do(MakeInviteCode(first, digest(7), "", False, 1, until))
    room.wait(2000)
    room.refused(AddAccount("vic", "", code=digest(5)), Reason.BAD_INVITE_CODE, "expired", "")
    room.do(SetPassword("rose", "a third"))
    for number in (8, 9, 10):
        room.do(MakeInviteCode(None, digest(number), "", False, 5000, until))
    room.refused(MakeInviteCode(None, digest(11), "", False, 1, until), Reason.TOO_MANY_INVITE_CODES)
    room.refused(RevokeInviteCode(first, "1234"), Reason.NO_SUCH_INVITE_CODE, "1234")
    room.do(RevokeInviteCode(guest, digest(7)[:12].upper()))
    room.do(RevokeInviteCode(None, digest(8)[:12]))
    room.do(MakeInviteCode(first, digest(12), "rose", False, 1, until, True))
    room.wait(40 * DAY)
    room.do(MakeInviteCode(first, digest(13), "", False, 1, after(room, DAY)))
    room.do(MakeInviteCode(first, digest(14), "rose", False, 1, after(room, DAY), True))
    room.do(RemoveAccount("rose"))

    # Quinn will not come back by these.
    room.do(RevokeInviteCode(None, digest(13)[:12]))
    room.do(MakeInviteCode(first, digest(15), "", True, 3, after(room, DAY)))
    room.do(MakeInviteCode(first, digest(16), "vic", True, 1, after(room, DAY)))
    room.do(EnableAccount("quinn", False))
    room.do(EnableAccount("quinn", True))
    room.do(MakeInviteCode(room.enter(quinn), digest(17), "", True, 1, after(room, DAY)))
    room.do(RemoveAccount("quinn"))


def certificates(room: Room) -> None:
    """Wendy has two laptops, and lends none."""
    room.do(Start(Rules(guests=True, certificates=2)))
    wendy, xavier = room.account("wendy"), room.account("xavier")
    first, second = room.enter(wendy), room.enter(xavier)
    guest = room.enter("yves")
    room.refused(certificate(guest, 1), Reason.NO_ACCOUNT)
    room.do(certificate(first, 1))
    room.refused(certificate(first, 1), Reason.CERTIFICATE_EXISTS, digest(1), "yours")
    room.refused(certificate(second, 1), Reason.CERTIFICATE_EXISTS, digest(1), "other")
    room.do(certificate(first, 2))
    room.refused(certificate(first, 3), Reason.TOO_MANY_CERTIFICATES)
    room.do(certificate(second, 3))
    room.refused(RemoveCertificate(guest, "", digest(1)), Reason.NO_ACCOUNT)
    room.refused(RemoveCertificate(second, "wendy", digest(1)), Reason.NO_SUCH_CERTIFICATE, digest(1))
    room.refused(RemoveCertificate(None, "nobody", digest(1)), Reason.NO_SUCH_ACCOUNT, "nobody")
    room.do(RemoveCertificate(first, "", digest(1)))
    room.do(RemoveCertificate(None, "Xavier", digest(3)))
    room.do(certificate(second, 1))
    room.do(RemoveAccount("wendy"))
    room.account("Wendy")
    room.do(RemoveAccount("wendy"))
