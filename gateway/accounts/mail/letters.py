"""What is written to people; a token stands behind the "#", which browsers send to nobody."""

from typing import Final

from gateway.accounts.mail.mailer import Mail

_HEAD: Final = "Hello,\n\n"
_NOT_YOU: Final = "\n\nIf this wasn't you, you need do nothing.\n"


class Letters:
    """Writes them; links lead below `frontend_url`, without one a letter holds the token."""

    def __init__(self, frontend_url: str | None) -> None:
        self._frontend_url = frontend_url

    def verify(self, to: str, token: str, hours: int) -> Mail:
        """Ask whether mail to an address comes through."""
        text = f"please confirm this e-mail address of your account within {hours} h"
        return self._asking("verify-email", to, "Confirm your e-mail address", text, token)

    def reset(self, to: str, token: str, minutes: int) -> Mail:
        """Let somebody set another password."""
        text = f"a new password for your account was asked for. Set it within {minutes} minutes"
        return self._asking("reset-password", to, "Set a new password", text, token)

    def change_new(self, to: str, token: str, hours: int) -> Mail:
        """Ask at the address that somebody wants."""
        text = f"an account wants to use this e-mail address. Confirm it within {hours} h"
        return self._asking("verify-email", to, "Confirm your new e-mail address", text, token)

    def change_old(self, to: str, token: str, hours: int) -> Mail:
        """Ask at the address that somebody has."""
        text = (
            "your account is to get another e-mail address in place of this one. It changes only"
            f" if you confirm it here, within {hours} h"
        )
        return self._asking("verify-email", to, "Confirm the change of your address", text, token)

    def address_changed(self, to: str) -> Mail:
        """Tell the address of before."""
        return Mail(
            "address-changed",
            to,
            "Your e-mail address was changed",
            f"{_HEAD}your account has another e-mail address now; this one is no longer used.\n",
        )

    def password_changed(self, to: str) -> Mail:
        """Tell the owner."""
        return Mail(
            "password-changed",
            to,
            "Your password was changed",
            f"{_HEAD}your account's password was changed, and its other sessions were ended."
            ' If this wasn\'t you, set a new password by "forgot password" at once.\n',
        )

    def access_changed(self, to: str, what: str) -> Mail:
        """Tell the owner by what else, or no more, one gets in, e.g. "a passkey was added"."""
        return Mail(
            "access-changed",
            to,
            "Access to your account was changed",
            f"{_HEAD}on your account {what}. If this wasn't you, set a new password by"
            ' "forgot password" at once, which signs everybody out; then take away whatever isn\'t'
            " yours of wallets, linked accounts, passkeys, authenticator apps and API keys.\n",
        )

    def deleted(self, to: str) -> Mail:
        """Say goodbye."""
        return Mail(
            "deleted",
            to,
            "Your account was deleted",
            f"{_HEAD}your account and what was kept about you are gone.\n",
        )

    def _asking(self, page: str, to: str, subject: str, text: str, token: str) -> Mail:
        if self._frontend_url is None:
            asked = f" with this token:\n\n{token}"
        else:
            asked = f":\n\n{self._frontend_url}/{page}#token={token}"
        return Mail(page, to, subject, f"{_HEAD}{text}{asked}{_NOT_YOU}")
