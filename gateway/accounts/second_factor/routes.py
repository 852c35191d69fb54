"""The rows of the route table under /auth/2fa that look after one's own second factors.

Laws: setting one up and taking one away asks for a fresh login. A secret and recovery codes are
shown in the answer that makes them and never again.
"""

from gateway.access.api_keys.standing import Scope
from gateway.accounts.second_factor.challenges import methods_of
from gateway.accounts.second_factor.changes import FactorChanges
from gateway.accounts.second_factor.codes import Codes
from gateway.accounts.second_factor.proofs import CodeText
from gateway.accounts.second_factor.settings import SecondFactorSettings
from gateway.accounts.second_factor.totp import enrolment_uri
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.http.request import AnyRequest, Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, FreshLoginRequired, NotFound
from gateway.wire.scalars import iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.people.users import Users


class SecondFactorView(AnswerStruct, frozen=True):
    """Which second factors one has; without one `methods` is empty."""

    methods: list[str]
    """By what a second factor can be proved: totp, passkey, recovery."""
    totp_since: str | None
    passkeys: int
    recovery_codes_left: int
    required: bool
    """Whether one has to have a second factor, to do what admins do."""


class EnrolmentView(AnswerStruct, frozen=True):
    """A secret for an authenticator app: typed in, or as the text of a QR code (`uri`)."""

    secret: str
    uri: str
    expires_at: str
    """Until when its first code is waited for."""


class ConfirmBody(BodyStruct, frozen=True):
    """The first code that the app shows."""

    code: CodeText


class RecoveryCodesView(AnswerStruct, frozen=True):
    """Recovery codes, each good once; shown this once. Empty where those of before still hold."""

    recovery_codes: list[str]


class SecondFactorRoutes:
    """Looks after one's codes."""

    def __init__(
        self,
        codes: Codes,
        users: Users,
        fresh: FreshLogin,
        changes: FactorChanges,
        settings: SecondFactorSettings,
    ) -> None:
        self._codes = codes
        self._users = users
        self._fresh = fresh
        self._changes = changes
        self._settings = settings

    async def show(self, request: AnyRequest) -> SecondFactorView:
        """Return which second factors the caller has."""
        state = await self._codes.state(request.user_id)
        caller = request.principal
        return SecondFactorView(
            list(methods_of(state)),
            time_if_known(state.totp_since),
            state.passkeys,
            state.recovery_codes,
            self._settings.required_for_admins and caller.role == "ADMIN",
        )

    async def begin(self, request: Request[None, None]) -> EnrolmentView:
        """Make a secret; it counts when its first code has come."""
        await self._fresh.require(request.principal)
        user = await self._users.by_id(request.user_id)
        if user is None:
            raise NotFound
        enrolment = await self._codes.begin(user.id)
        account = user.email or user.username or user.display_name
        uri = enrolment_uri(enrolment.secret, account, self._settings.name)
        return EnrolmentView(enrolment.secret, uri, iso_millis(enrolment.expires_at))

    async def confirm(self, request: Request[ConfirmBody, None]) -> RecoveryCodesView:
        """Let the secret count; one of before no longer does."""
        await self._fresh.require(request.principal)
        _, codes = await self._codes.confirm(request.user_id, request.body.code)
        await self._changes.made(
            request.principal,
            request.request_id,
            "user.2fa.totp.add",
            "codes of an app were set up as second factor",
            ends_others=True,
        )
        return RecoveryCodesView(codes)

    async def remove(self, request: Request[None, None]) -> None:
        """Take the codes of the app away."""
        await self._fresh.require(request.principal)
        needed = self._settings.required_for_admins
        if not await self._codes.remove(request.user_id, admins_need_one=needed):
            raise NotFound
        await self._changes.made(
            request.principal,
            request.request_id,
            "user.2fa.totp.remove",
            "the codes of an app were removed as second factor",
            ends_others=True,
        )

    async def new_recovery_codes(self, request: Request[None, None]) -> RecoveryCodesView:
        """Make recovery codes in the place of all of before."""
        await self._fresh.require(request.principal)
        codes = await self._codes.new_recovery_codes(request.user_id)
        await self._changes.made(
            request.principal,
            request.request_id,
            "user.2fa.recovery",
            "new recovery codes were made",
        )
        return RecoveryCodesView(codes)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/auth/2fa",
                handler=self.show,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=SecondFactorView,
                summary="Show which second factors one has",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/2fa/totp",
                handler=self.begin,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=EnrolmentView,
                errors=(FreshLoginRequired, NotFound),
                summary="Begin to set up an authenticator app",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/2fa/totp/confirm",
                handler=self.confirm,
                access=Access.USER,
                scope=Scope.OWNER,
                body=ConfirmBody,
                answer=RecoveryCodesView,
                errors=(FreshLoginRequired, Conflict),
                summary="Finish to set up an authenticator app, with its first code",
                tag="auth",
            ),
            Route(
                method="DELETE",
                path="/auth/2fa/totp",
                handler=self.remove,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(FreshLoginRequired, NotFound, Conflict),
                summary="Take the codes of an authenticator app away",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/2fa/recovery",
                handler=self.new_recovery_codes,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=RecoveryCodesView,
                errors=(FreshLoginRequired, Conflict),
                summary="Make new recovery codes; those of before no longer hold",
                tag="auth",
            ),
        )
