"""An operator that keeps accounts and bans in memory, for tests of what stands in front of the real one."""

from securechat.server.control import (
    AccountLine,
    BanLine,
    CertificateLine,
    Invitation,
    InvitationLine,
    OperatorError,
    Wish,
)

LINK = "securechat://chat.example.org:6697/AAAAAAAAAAAAAAAAAAAAAA#system"
CERTIFICATE = CertificateLine("ab" * 32, "laptop", "2026-11-22T13:00:00.000Z", "2027-11-22T13:00:00Z")


class MemoryOperator:
    """Says of itself what was asked; passwords are kept as they are."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountLine] = {}
        self.passwords: dict[str, str] = {}
        self.bans: dict[str, BanLine] = {}
        self.seconds: dict[str, int | None] = {}
        self.wishes: list[Wish] = []
        self.revoked: list[str] = []

    def add_account(self, name: str, password: str, *, admin: bool) -> None:
        if name in self.accounts:
            raise OperatorError(f"there is an account {name} already")
        self._check(password)
        role = "admin" if admin else "member"
        self.accounts[name] = AccountLine(name, role, True, "2026-11-22T13:00:00.000Z", False)
        self.passwords[name] = password

    def list_accounts(self) -> list[AccountLine]:
        return list(self.accounts.values())

    def set_password(self, name: str, password: str) -> None:
        self._get(name)
        self._check(password)
        self.passwords[name] = password

    def set_enabled(self, name: str, enabled: bool) -> None:
        old = self._get(name)
        self.accounts[name] = AccountLine(old.name, old.role, enabled, old.created, old.online)

    def remove_account(self, name: str) -> None:
        self._get(name)
        del self.accounts[name]

    def add_ban(self, whom: str, reason: str, seconds: int | None) -> None:
        until = None if seconds is None else "2026-11-23T13:00:00.000Z"
        self.bans[whom] = BanLine(whom, "account", "the operator", "2026-11-22T13:00:00.000Z", until, reason)
        self.seconds[whom] = seconds

    def list_bans(self) -> list[BanLine]:
        return list(self.bans.values())

    def remove_ban(self, whom: str) -> None:
        if whom not in self.bans:
            raise OperatorError(f"there is no ban of {whom}")
        del self.bans[whom]

    def invite(self, wish: Wish) -> Invitation:
        self.wishes.append(wish)
        warnings = ["it may not work"] if wish.host is None else []
        until = "2026-11-23T13:00:00.000Z"
        return Invitation(LINK, "0123456789ab", wish.name, wish.admin, wish.uses, until, warnings)

    def list_invitations(self) -> list[InvitationLine]:
        made, until = "2026-11-22T13:00:00.000Z", "2026-11-23T13:00:00.000Z"
        return [
            InvitationLine(
                "0123456789ab", "open", "account", wish.name or None, wish.uses, wish.uses, "me", made, until
            )
            for wish in self.wishes
        ]

    def revoke_invitation(self, id: str) -> None:
        if not self.wishes:
            raise OperatorError(f"there is no invitation {id}")
        self.revoked.append(id)

    def list_certificates(self, name: str) -> list[CertificateLine]:
        self._get(name)
        return [CERTIFICATE]

    def remove_certificate(self, name: str, fingerprint: str) -> str:
        self._get(name)
        if not CERTIFICATE.fingerprint.startswith(fingerprint):
            raise OperatorError(f"{name} has no such certificate")
        return CERTIFICATE.fingerprint

    def _get(self, name: str) -> AccountLine:
        if name not in self.accounts:
            raise OperatorError(f"there is no account {name}")
        return self.accounts[name]

    def _check(self, password: str) -> None:
        if len(password) < 8:
            raise OperatorError("the password is too short: it needs at least 8 characters")
