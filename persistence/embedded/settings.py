"""What the embedded PostgreSQL is told: its settings and who may connect, as files.

Laws: durability is on and can't be switched off by SQL; no TCP; a connection is let in by the
operating system's word for who is calling (peer), so that there is no password to lose and other
accounts of the machine stay out; the exchange's own role is no superuser. The files are rewritten
at every start: an operator who wants other settings brings a server of their own (DATABASE_URL).
"""

import sys
from pathlib import Path
from typing import Final

SUPERUSER: Final = "postgres"
ROLE: Final = "probity"
PORT: Final = 5432  # names the socket's file; nothing listens on TCP
_ALTER_SYSTEM_SWITCH_SINCE: Final = 17

_SETTINGS: Final = """\
# Written by Probity at every start: changes made here are lost.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700
max_connections = 100

# What is acknowledged is on disk.
fsync = on
full_page_writes = on
synchronous_commit = on
wal_level = replica
{alter_system}
shared_buffers = 128MB
min_wal_size = 80MB
max_wal_size = 1GB
jit = off
timezone = 'UTC'
# A statement whose client is gone ends, and gives its locks back.
{connection_check}
# A statement's error is told to its client, which is us: the file stays small without it. And no
# collector: it would outlive the server for a moment.
log_min_messages = log
logging_collector = off
log_timezone = 'UTC'
log_checkpoints = off
"""

_ACCESS: Final = "local all all peer map=probity\n"


def files(server_version: int, socket_folder: Path, operator: str) -> dict[str, str]:
    """Write the configuration files of a cluster, by name.

    Args:
        server_version: the major version; older servers don't know every setting.
        socket_folder: where the socket goes; free of quotes, commas and backslashes.
        operator: the account of the operating system that may connect.
    """
    knows_switch = server_version >= _ALTER_SYSTEM_SWITCH_SINCE
    settings = _SETTINGS.format(
        port=PORT,
        socket_folder=socket_folder,
        alter_system="allow_alter_system = off\n" if knows_switch else "",
        connection_check="client_connection_check_interval = 1s\n"
        if sys.platform == "linux"
        else "",
    )
    names = "".join(f'probity "{operator}" {role}\n' for role in (SUPERUSER, ROLE))
    return {"postgresql.conf": settings, "pg_hba.conf": _ACCESS, "pg_ident.conf": names}


def initdb_arguments(server_version: int) -> list[str]:
    """Say how a new cluster is made: UTF8, sorted by code point, with page checksums."""
    arguments = ["--encoding=UTF8", "--data-checksums", "--auth=peer", "--no-instructions"]
    if server_version >= _ALTER_SYSTEM_SWITCH_SINCE:
        return [*arguments, "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return [*arguments, "--locale=C.UTF-8"]
