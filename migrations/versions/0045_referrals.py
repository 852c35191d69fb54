"""Who invited whom, and what each was given for it.

    INVITED --> REWARDED   the invited placed a first order; an intent gives each their bonus, where
                           there is one; where there is none the note says why

A person is invited once, by somebody who was there before. Times are microseconds since the Unix
epoch; what was given is the intents'.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0045"
down_revision: Final = "0044"

_UP: Final = """
CREATE TABLE referral_codes (
    user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code    text   COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE referrals (
    invited_id     bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    inviter_id     bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at     bigint NOT NULL,
    rewarded_at    bigint,
    inviter_note   text,
    invited_note   text,
    inviter_intent bigint UNIQUE REFERENCES money_intents (id) ON DELETE SET NULL,
    invited_intent bigint UNIQUE REFERENCES money_intents (id) ON DELETE SET NULL,
    CHECK (inviter_id < invited_id)
);
CREATE INDEX referrals_by_inviter ON referrals (inviter_id, invited_id);
CREATE INDEX referrals_waiting ON referrals (invited_id) WHERE rewarded_at IS NULL;
"""

# Going back would forget whose bonus was given, and it would be given again; and codes that people
# have handed on would be others' afterwards.
_DOWN: Final = """
LOCK TABLE referrals, referral_codes IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM referrals) OR EXISTS (SELECT FROM referral_codes) THEN
        RAISE EXCEPTION 'people were invited or have codes, which the schema before can''t hold';
    END IF;
END
$$;
DROP TABLE referrals, referral_codes;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables; refused where anybody was invited, or may have been."""
    execute_script(_DOWN)
