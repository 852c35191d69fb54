"""Second factors, put together: codes, passkeys, what proves them, and what follows of a change."""

from dataclasses import dataclass

from gateway.accounts.passkeys.passkeys import Passkeys
from gateway.accounts.passkeys.relying_party import relying_party
from gateway.accounts.passkeys.routes import PasskeyRoutes
from gateway.accounts.passkeys.sign_in_routes import PasskeySignInRoutes
from gateway.accounts.second_factor.changes import FactorChanges
from gateway.accounts.second_factor.codes import Codes
from gateway.accounts.second_factor.proofs import Proofs
from gateway.accounts.second_factor.routes import SecondFactorRoutes
from gateway.accounts.second_factor.sign_in_routes import SecondFactorSignInRoutes
from gateway.accounts.second_factor.step_up import StepUpRoutes
from gateway.accounts.sessions.answers import SignInAnswers
from gateway.bootstrap.identity.people import People
from gateway.bootstrap.settings import Settings
from gateway.sealing.seal import Seal
from persistence.postgres.database import DeadlinePool
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import FactorRows
from persistence.repositories.second_factor.passkeys import PasskeyRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What knows second factors."""

    rows: FactorRows
    codes: Codes
    passkeys: Passkeys
    proofs: Proofs
    changes: FactorChanges


def make_factors(settings: Settings, pool: DeadlinePool, people: People, seal: Seal) -> Factors:
    """Return the second factors of the people of the database behind `pool`."""
    own = settings.second_factor
    rows, codes = FactorRows(pool), Codes(FactorRows(pool), seal)
    party = relying_party(settings.passkeys, settings.mail.frontend_url, own.name)
    passkeys = Passkeys(PasskeyRows(pool), WaysIn(pool), party, settings.passkeys.per_user)
    changes = FactorChanges(people.audit, people.sessions, people.notices)
    proofs = Proofs(codes, passkeys, people.attempts, people.audit, people.notices)
    return Factors(rows=rows, codes=codes, passkeys=passkeys, proofs=proofs, changes=changes)


def factor_routes(
    factors: Factors, people: People, answers: SignInAnswers, settings: Settings
) -> tuple[
    SecondFactorRoutes, SecondFactorSignInRoutes, StepUpRoutes, PasskeyRoutes, PasskeySignInRoutes
]:
    """Return what looks after second factors, and asks for them."""
    own = settings.second_factor
    return (
        SecondFactorRoutes(factors.codes, people.users, people.fresh, factors.changes, own),
        SecondFactorSignInRoutes(
            people.challenges,
            factors.proofs,
            factors.passkeys,
            people.users,
            people.audit,
            people.sign_in,
            answers,
        ),
        StepUpRoutes(factors.rows, factors.proofs, factors.passkeys, people.guard, people.fresh),
        PasskeyRoutes(
            factors.passkeys,
            people.users,
            people.fresh,
            factors.changes,
            settings.pages,
            admins_need_one=own.required_for_admins,
        ),
        PasskeySignInRoutes(
            factors.passkeys, people.users, people.attempts, people.audit, people.sign_in, answers
        ),
    )
