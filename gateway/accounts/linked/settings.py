"""By which accounts elsewhere one can sign in."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import duration, http_url, optional, text, whole


class LinkedSettings(Area, frozen=True, kw_only=True):
    """X and Google; without an id and a secret, each is answered 503 with the reason."""

    TITLE: ClassVar[str] = "Sign-in by X and Google"

    x_id: Annotated[
        str | None,
        setting("X_CLIENT_ID", "", optional(text), "The exchange's id at X; unset: no sign-in."),
    ]
    x_secret: Annotated[
        str | None, setting("X_CLIENT_SECRET", "", optional(text), "Its secret there.")
    ]
    x_pages: Annotated[
        str, setting("X_URL", "https://x.com", http_url, "Where X asks whether to sign in.")
    ]
    x_api: Annotated[
        str, setting("X_API_URL", "https://api.x.com", http_url, "Where X says who it is.")
    ]
    google_id: Annotated[
        str | None,
        setting(
            "GOOGLE_CLIENT_ID",
            "",
            optional(text),
            "Its id at Google; unset: no sign-in.",
        ),
    ]
    google_secret: Annotated[
        str | None, setting("GOOGLE_CLIENT_SECRET", "", optional(text), "Its secret there.")
    ]
    google_issuer: Annotated[
        str,
        setting(
            "GOOGLE_ISSUER_URL",
            "https://accounts.google.com",
            http_url,
            "Who signs Google's tokens, and where it says how to sign in.",
        ),
    ]
    timeout_seconds: Annotated[
        int,
        setting("SIGN_IN_PROVIDER_TIMEOUT_SECONDS", "10", whole(1, 60), "How long they may take."),
    ]
    flow_expires_in: Annotated[
        int,
        setting("SIGN_IN_FLOW_EXPIRES_IN", "10m", duration, "How long a sign-in there may take."),
    ]
    code_expires_in: Annotated[
        int,
        setting(
            "SIGN_IN_CODE_EXPIRES_IN", "1m", duration, "How long a page may take to finish it."
        ),
    ]

    def __post_init__(self) -> None:
        """Check that each provider is named whole."""
        for name, identity, secret in (
            ("X", self.x_id, self.x_secret),
            ("GOOGLE", self.google_id, self.google_secret),
        ):
            if (identity is None) != (secret is None):
                missing = "ID" if identity is None else "SECRET"
                raise SettingsError(f"{name}_CLIENT_{missing}: is missing, but its twin is set")
