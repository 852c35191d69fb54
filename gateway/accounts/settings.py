"""How people sign in, and what a new account begins with."""

from typing import Annotated, ClassVar

from gateway.accounts.fields import new_password
from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import duration, http_url, money, optional, text, whole


class SignInSettings(Area, frozen=True, kw_only=True):
    """Tokens, passwords, the first admin, starting credits."""

    TITLE: ClassVar[str] = "Sign-in"

    private_key: Annotated[
        str | None,
        setting(
            "JWT_PRIVATE_KEY",
            "",
            optional(text),
            "Ed25519 key as PEM (\\n for line ends); unset: made once in DATA_DIR.",
        ),
    ]
    access_expires_in: Annotated[
        int, setting("JWT_ACCESS_EXPIRES_IN", "15m", duration, "Life of an access token.")
    ]
    refresh_expires_in: Annotated[
        int, setting("JWT_REFRESH_EXPIRES_IN", "7d", duration, "Life of a refresh token.")
    ]
    refresh_grace_seconds: Annotated[
        int,
        setting(
            "REFRESH_GRACE_SECONDS",
            "10",
            whole(0, 300),
            "How long a just-used refresh token still works, for concurrent tabs.",
        ),
    ]
    session_ends_in: Annotated[
        int,
        setting(
            "SESSION_ENDS_IN",
            "30d",
            duration,
            "After which a session ends for good, however often it was renewed.",
        ),
    ]
    sessions_max: Annotated[
        int,
        setting(
            "SESSIONS_MAX",
            "100",
            whole(1, 10_000),
            "Sessions of one person; one more ends the one used longest ago.",
        ),
    ]
    fresh_login_seconds: Annotated[
        int,
        setting(
            "FRESH_LOGIN_EXPIRES_IN",
            "10m",
            duration,
            "For how long after a sign-in what is dear may be changed without another one.",
        ),
    ]
    public_url: Annotated[
        str | None,
        setting(
            "PUBLIC_URL",
            "",
            optional(http_url),
            "Where the exchange is reached; unset: FRONTEND_URL, else http://localhost:PORT.",
        ),
    ]
    token_cache_size: Annotated[
        int, setting("TOKEN_CACHE_SIZE", "10000", whole(1, 10**7), "Verified tokens remembered.")
    ]
    password_hash_workers: Annotated[
        int, setting("PASSWORD_HASH_WORKERS", "1", whole(1, 64), "Threads that hash passwords.")
    ]
    password_hash_queue: Annotated[
        int, setting("PASSWORD_HASH_QUEUE", "256", whole(1, 10_000), "Hashes waiting; more: 429.")
    ]
    admin_email: Annotated[
        str | None,
        setting(
            "PROBITY_ADMIN_EMAIL",
            "",
            optional(text),
            "First admin; unset: admin@probity.local with a password printed once.",
        ),
    ]
    admin_password: Annotated[
        str | None,
        setting(
            "PROBITY_ADMIN_PASSWORD",
            "",
            optional(new_password),
            "The first admin's password, 8 to 128 characters.",
        ),
    ]
    starting_credits: Annotated[
        int, setting("STARTING_CREDITS", "1000", money, "Credits of a new account.")
    ]

    def __post_init__(self) -> None:
        """Check that the first admin is named whole."""
        if (self.admin_email is None) != (self.admin_password is None):
            missing = "EMAIL" if self.admin_email is None else "PASSWORD"
            raise SettingsError(f"PROBITY_ADMIN_{missing}: is missing, but its twin is set")
