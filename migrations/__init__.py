"""The schema's history: one file a step, in plain SQL, up and down.

Laws: a step that has been released is never edited, only followed by another; every step can be
taken back to the very schema it found (a test compares them); all steps of one upgrade run in one
transaction, so that a database is never left between two versions.

A step is ``versions/NNNN_what.py`` with ``revision``, ``down_revision`` and two functions::

    def upgrade() -> None:
        execute_script("CREATE TABLE users (id bigint PRIMARY KEY); CREATE INDEX ...;")

    def downgrade() -> None:
        execute_script("DROP TABLE users;")

Use :func:`migrations.script.execute_script`, not ``op.execute``: the latter refuses two statements
in one call and takes the ``:2`` in ``a[1:2]`` for a parameter. Run steps with ``probity migrate``
or ``persistence.postgres.migrate``; no data of the running program belongs here.
"""
