"""What can go wrong between the exchange and its memory.

::

    PersistenceError
    ├── DatabaseUnavailable        it can't be reached, or didn't answer in time
    │   └── PoolerInTheWay             a pooler refused what a session of ours begins with
    ├── DatabaseUnsuitable         it answers, but the exchange must not run on it
    │   ├── DatabaseTooOld             below PostgreSQL 15
    │   ├── DatabaseNotUtf8            another encoding than UTF8
    │   ├── DatabasePooled             a pooler stands where a session must be kept
    │   └── DatabaseNotDurable         fsync, full_page_writes or synchronous_commit is off
    ├── SchemaError                a migration failed; nothing of it was kept
    │   └── SchemaTooNew               the database was migrated by a later version of Probity
    ├── EmbeddedPostgresError      our own server can't be started or stopped
    │   └── DataFolderBusy             another process works in this data folder
    ├── CommandNotTaken            the engine took nothing and nothing happened
    │   ├── QueueFull                  its queue is at its bound
    │   ├── EngineClosed               it is draining, or has stopped
    │   ├── EngineStalled              its database doesn't answer
    │   ├── EngineAway                 the engine is in another process, which isn't reached
    │   ├── CommandLate                its time was over before the engine took it
    │   ├── CancelsOnly                it has just taken over, and lets everybody cancel first
    │   └── EngineElsewhere            this process has no engine: it only follows one
    ├── OutcomeUnknown             a commit was neither confirmed nor refused
    ├── FenceLost                  another engine leads: this one must write nothing more
    ├── BatchRefused               PostgreSQL refused a batch and rolled it back for certain
    ├── EngineRunning              another engine holds the lead
    ├── StateDiffers               a standby's state isn't what the tables hold
    ├── HistoryMismatch            the database isn't the one that was written, or not all of it
    ├── SegmentUnreadable          a file with a part of the journal is missing or damaged
    ├── BackupNotWritten           its folder can't be written to, or its disk is full
    ├── BackupDamaged              a backup isn't whole, isn't one, or no key opens it
    ├── NotEmpty                   a backup is restored into an empty database only
    ├── SecretDiffers              an engine leads that this process shares no secret with
    ├── LastAdmin                  the change would leave nobody who can administer
    ├── LastWayIn                  the change would leave an account that nobody can sign in to
    ├── LastFactor                 the change would leave an admin without a second factor
    ├── BoundReached               somebody has as many of these as one may have
    ├── AlreadyThere               what was to be added is there, or what was to be ended is over
    └── DefaultNeeded              one of somebody's portfolios has to be the default

Laws: a message names what is wrong and what to do, in one line that may be shown to an operator;
it never holds a password. Refusals by the rules of the exchange are events, not errors.
"""


class PersistenceError(Exception):
    """Anything this package raises on purpose."""


class DatabaseUnavailable(PersistenceError):
    """The database can't be reached, refused us, or didn't answer in time."""


class PoolerInTheWay(DatabaseUnavailable):
    """A pooler refused what a session of ours begins with: no wait makes it another one."""


class DatabaseUnsuitable(PersistenceError):
    """The database answers, but the exchange must not run on it."""


class DatabaseTooOld(DatabaseUnsuitable):
    """The server is older than the oldest version we support."""


class DatabaseNotUtf8(DatabaseUnsuitable):
    """The database has another encoding than UTF8 and couldn't hold every name."""


class DatabaseNotDurable(DatabaseUnsuitable):
    """The server may lose what it said it had committed."""


class DatabasePooled(DatabaseUnsuitable):
    """A pooler stands between the engine and the database, which keeps no session of ours."""


class SchemaError(PersistenceError):
    """A migration failed and was rolled back whole."""


class SchemaTooNew(SchemaError):
    """The database knows a migration that this version of Probity doesn't."""


class EmbeddedPostgresError(PersistenceError):
    """Our own PostgreSQL can't be started or stopped."""


class DataFolderBusy(EmbeddedPostgresError):
    """Another living process holds the data folder."""


class CommandNotTaken(PersistenceError):
    """The engine didn't take a command: it did nothing and uses up no client id."""


class QueueFull(CommandNotTaken):
    """The engine's queue is at its bound; try again in a moment."""


class EngineClosed(CommandNotTaken):
    """The engine takes no commands: it is draining, or has stopped."""


class EngineStalled(CommandNotTaken):
    """The engine takes no commands until its database answers what was asked before."""


class EngineAway(CommandNotTaken):
    """The engine is in another process, and what goes to it isn't taken on the way."""


class CommandLate(CommandNotTaken):
    """Whoever sent the command waits no longer, so the engine didn't run it."""


class CancelsOnly(CommandNotTaken):
    """The engine has just taken over: what makes nobody's risk larger comes first."""


class EngineElsewhere(CommandNotTaken):
    """This process only follows an engine; the message says so to whoever sent the command."""


class OutcomeUnknown(PersistenceError):
    """A commit was neither confirmed nor refused; only a retry under the same id tells."""


class FenceLost(PersistenceError):
    """Another engine raised the epoch, or the journal was changed under us."""


class BatchRefused(PersistenceError):
    """PostgreSQL refused what a batch holds and rolled it back for certain."""


class EngineRunning(PersistenceError):
    """Another engine holds the lead over this database."""


class StateDiffers(PersistenceError):
    """What a standby makes of the journal and what the tables hold isn't the same."""


class HistoryMismatch(PersistenceError):
    """The tables, the journal, or the tip kept outside the database contradict each other."""


class SegmentUnreadable(PersistenceError):
    """A part of the journal lies in a file that is missing here, or damaged: its past can't be
    told, while all else goes on.
    """


class BackupNotWritten(PersistenceError):
    """The folder of backups can't be written to, or its disk is full."""


class BackupDamaged(PersistenceError):
    """A backup isn't what was written: cut off, changed, sealed with another key, or none."""


class NotEmpty(PersistenceError):
    """There is something already where a backup was to be put back."""


class SecretDiffers(PersistenceError):
    """The engine that leads has another secret: nothing that it says or signs can be checked."""


class LastAdmin(PersistenceError):
    """The change of a role would leave nobody who can administer; nothing was changed."""


class LastWayIn(PersistenceError):
    """The change would leave an account that nobody can sign in to; nothing was changed."""


class LastFactor(PersistenceError):
    """The change would leave an admin without the second factor that admins need; nothing was
    changed.
    """


class BoundReached(PersistenceError):
    """Somebody has as many of these as one may have; nothing was added."""


class AlreadyThere(PersistenceError):
    """What was to be added is there, or what was to be ended is over; nothing was changed."""


class PasswordOvertaken(PersistenceError):
    """The account has got another password since this one was found right; nothing was begun."""


class FactorAdded(PersistenceError):
    """The account has got a second factor since it was found to have none; nothing was begun."""


class PersonLeft(PersistenceError):
    """The account was deleted since it was looked up; nothing was begun."""


class DefaultNeeded(PersistenceError):
    """The change would leave somebody's portfolios without a default; nothing was changed."""
