"""What can go wrong between the exchange and its memory.

::

    PersistenceError
    ├── DatabaseUnavailable        it can't be reached, or didn't answer in time
    ├── DatabaseUnsuitable         it answers, but the exchange must not run on it
    │   ├── DatabaseTooOld             below PostgreSQL 15
    │   ├── DatabaseNotUtf8            another encoding than UTF8
    │   └── DatabaseNotDurable         fsync, full_page_writes or synchronous_commit is off
    ├── SchemaError                a migration failed; nothing of it was kept
    │   └── SchemaTooNew               the database was migrated by a later version of Probity
    └── EmbeddedPostgresError      our own server can't be started or stopped
        └── DataFolderBusy             another process works in this data folder

Laws: a message names what is wrong and what to do, in one line that may be shown to an operator;
it never holds a password. Refusals by the rules of the exchange are events, not errors.
"""


class PersistenceError(Exception):
    """Anything this package raises on purpose."""


class DatabaseUnavailable(PersistenceError):
    """The database can't be reached, refused us, or didn't answer in time."""


class DatabaseUnsuitable(PersistenceError):
    """The database answers, but the exchange must not run on it."""


class DatabaseTooOld(DatabaseUnsuitable):
    """The server is older than the oldest version we support."""


class DatabaseNotUtf8(DatabaseUnsuitable):
    """The database has another encoding than UTF8 and couldn't hold every name."""


class DatabaseNotDurable(DatabaseUnsuitable):
    """The server may lose what it said it had committed."""


class SchemaError(PersistenceError):
    """A migration failed and was rolled back whole."""


class SchemaTooNew(SchemaError):
    """The database knows a migration that this version of Probity doesn't."""


class EmbeddedPostgresError(PersistenceError):
    """Our own PostgreSQL can't be started or stopped."""


class DataFolderBusy(EmbeddedPostgresError):
    """Another living process holds the data folder."""
