"""The rows of the route table about wallets: signing in by one under /auth, one's own under
/users/me.
"""

from typing import Annotated

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.accounts.invitations import ReferralText
from gateway.accounts.second_factor.step_up import FreshView
from gateway.accounts.sessions.answers import ACCOUNT_ERRORS, SignedInView, SignInAnswers
from gateway.accounts.sessions.client import client_of
from gateway.accounts.wallets.messages import (
    ADDRESS_PATTERN,
    CHAIN_PATTERN,
    MESSAGE_LENGTH,
    VERSION,
    Kind,
    SignInMessage,
    kind_of,
    require_chain,
    written,
)
from gateway.accounts.wallets.signatures import SIGNATURE_LENGTH, Signatures
from gateway.accounts.wallets.terms import STATEMENT, Terms
from gateway.accounts.wallets.wallets import Nonce, WalletSignIn
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import AnyRequest, Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    FreshLoginRequired,
    LimitReached,
    NotFound,
    RateLimited,
    SecondFactorRequired,
    Unauthorized,
    Unavailable,
    ValidationFailed,
)
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct, BodyStruct, QueryStruct
from persistence.repositories.people.wallets import Wallet

MessageText = Annotated[
    str,
    msgspec.Meta(
        max_length=MESSAGE_LENGTH, description="what the wallet has signed, as EIP-4361 has it"
    ),
]
SignatureText = Annotated[
    str,
    msgspec.Meta(
        max_length=SIGNATURE_LENGTH,
        description="of Ethereum 0x and hexadecimal digits, of Solana base58",
    ),
]
AddressText = Annotated[
    str,
    msgspec.Meta(
        max_length=44,
        description="of the wallet that is to sign, for a ready message; Ethereum's by EIP-55 or"
        " in lower case",
        extra_json_schema={"pattern": ADDRESS_PATTERN},
    ),
]
ChainText = Annotated[
    str,
    msgspec.Meta(
        max_length=40,
        description="its chain, with `address`; unset: the first that is taken",
        extra_json_schema={"pattern": CHAIN_PATTERN},
    ),
]


class NonceQuery(QueryStruct, frozen=True):
    """Who is going to sign, if the message is to be written for them."""

    address: AddressText | None = None
    chain_id: ChainText | None = None


class SignedBody(BodyStruct, frozen=True):
    """A message and its signature."""

    message: MessageText
    signature: SignatureText


class SignInBody(SignedBody, frozen=True):
    """A message and its signature, and by whose code one comes."""

    referral_code: ReferralText | None = None


class ChainsView(AnswerStruct, frozen=True):
    """Which chains' wallets are taken."""

    ethereum: list[str]
    solana: list[str]


class NonceView(AnswerStruct, frozen=True):
    """What a message has to hold; `message` is one that is ready to be signed."""

    nonce: str
    domain: str
    uri: str
    version: str
    statement: str
    issued_at: str
    expiration_time: str
    chains: ChainsView
    message: str | None


class WalletView(AnswerStruct, frozen=True):
    """A wallet of the caller's."""

    id: str
    kind: Kind
    address: str
    created_at: str
    last_used_at: str


def wallet_view(wallet: Wallet) -> WalletView:
    """Return what its owner is shown of a wallet."""
    return WalletView(
        str(wallet.id),
        Kind(wallet.kind),
        wallet.address,
        iso_millis(wallet.created_at),
        iso_millis(wallet.last_used_at),
    )


class WalletRoutes:
    """Signs people in by their wallets, and lets them look after these."""

    def __init__(
        self,
        service: WalletSignIn,
        signatures: Signatures,
        terms: Terms,
        answers: SignInAnswers,
        pages: PageLimits,
    ) -> None:
        self._service = service
        self._signatures = signatures
        self._terms = terms
        self._answers = answers
        self._pages = pages

    async def nonce(self, request: Request[None, NonceQuery]) -> NonceView:
        """Return a nonce, and a message with it if it is known who signs."""
        address, chain = request.query.address, request.query.chain_id
        kind = None
        if chain is not None:
            require_chain(chain, "chainId")
        if address is not None:
            kind = kind_of(address, "address")
            taken = self._terms.chains[kind]
            chain = chain or next(iter(taken), "")
            if chain not in taken:
                raise ValidationFailed.of("chainId", f"must be of {', '.join(taken) or 'none'}")
        nonce = await self._service.nonce(request.address)
        if address is not None and kind is not None:
            address = await self._signatures.written(kind, address, "address")
        return self._view(nonce, request, kind, address, chain)

    def _view(
        self,
        nonce: Nonce,
        request: AnyRequest,
        kind: Kind | None,
        address: str | None,
        chain: str | None,
    ) -> NonceView:
        domain = self._terms.domain_at(request.header(b"host").decode("latin-1"))
        uri, text = self._terms.origins[domain], None
        if kind is not None and address is not None and chain is not None:
            message = SignInMessage(
                kind=kind,
                domain=domain,
                address=address,
                statement=STATEMENT,
                uri=uri,
                chain=chain,
                nonce=nonce.text,
                issued_at=nonce.issued_at,
                expires_at=nonce.ends_at,
            )
            text = written(message)
        chains = {of.value: list(taken) for of, taken in self._terms.chains.items()}
        return NonceView(
            nonce.text,
            domain,
            uri,
            VERSION,
            STATEMENT,
            iso_millis(nonce.issued_at),
            iso_millis(nonce.ends_at),
            ChainsView(**chains),
            text,
        )

    async def sign_in(self, request: Request[SignInBody, None]) -> SignedInView:
        """Sign in by a wallet; whoever is new gets an account."""
        signed_in = await self._service.sign_in(
            request.body.message,
            request.body.signature,
            client_of(request),
            request.address,
            request.request_id,
            request.body.referral_code,
        )
        return self._answers.of(request, signed_in)

    async def step_up(self, request: Request[SignedBody, None]) -> FreshView:
        """Take a signature for a fresh login of the session that calls."""
        body = request.body
        until = await self._service.step_up(
            request.principal, body.message, body.signature, request.address, request.request_id
        )
        return FreshView(iso_millis(until))

    async def list_own(self, request: Request[None, PageQuery]) -> Page[WalletView]:
        """Return one page of the caller's wallets, oldest first."""
        limit, offset = request.query.bounds(self._pages)
        after = request.query.number() or 0
        rows = await self._service.of_user(request.user_id)
        found = [row for row in rows if row.id > after][offset : offset + limit + 1]
        return page_of(found, limit, offset, len(rows), wallet_view, lambda row: str(row.id))

    async def link(self, request: Request[SignedBody, None]) -> WalletView:
        """Link another wallet to the caller's account."""
        body = request.body
        wallet = await self._service.link(
            request.principal, body.message, body.signature, request.address, request.request_id
        )
        return wallet_view(wallet)

    async def unlink(self, request: AnyRequest) -> None:
        """Unlink a wallet of the caller's."""
        await self._service.unlink(request.principal, request.path_id("id"), request.request_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/auth/wallet/nonce",
                handler=self.nonce,
                access=Access.PUBLIC,
                scope=Scope.OWNER,
                query=NonceQuery,
                answer=NonceView,
                errors=(Unavailable,),
                budget=Budget.SIGN_IN,
                summary="Ask for a nonce, and for the message that a wallet signs",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/wallet",
                handler=self.sign_in,
                access=Access.PUBLIC,
                body=SignInBody,
                answer=SignedInView,
                errors=(Unauthorized, SecondFactorRequired, *ACCOUNT_ERRORS),
                budget=Budget.SIGN_IN,
                summary="Sign in, or register, by a wallet's signature",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/wallet/step-up",
                handler=self.step_up,
                access=Access.USER,
                scope=Scope.OWNER,
                body=SignedBody,
                answer=FreshView,
                errors=(Forbidden, Conflict, Unavailable),
                summary="Prove again who one is by a wallet, for what asks for a fresh login",
                tag="auth",
            ),
            *self._own_routes(),
        )

    def _own_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/users/me/wallets",
                handler=self.list_own,
                access=Access.USER,
                scope=Scope.OWNER,
                query=PageQuery,
                answer=WalletView,
                shape=Shape.PAGE,
                summary="List the wallets that one can sign in by",
                tag="users",
            ),
            Route(
                method="POST",
                path="/users/me/wallets",
                handler=self.link,
                access=Access.USER,
                scope=Scope.OWNER,
                body=SignedBody,
                answer=WalletView,
                status=201,
                errors=(
                    Conflict,
                    Forbidden,
                    FreshLoginRequired,
                    LimitReached,
                    RateLimited,
                    Unavailable,
                ),
                summary="Link a wallet",
                tag="users",
            ),
            Route(
                method="DELETE",
                path="/users/me/wallets/{id}",
                handler=self.unlink,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(Conflict, FreshLoginRequired, NotFound),
                summary="Unlink a wallet",
                tag="users",
            ),
        )
