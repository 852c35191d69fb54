"""What figures are held against: the least that others need for the same work, none of it ours.

`bare_server` answers orders without an exchange, `bare_copy` writes as many bytes without a book,
`bare_commit` commits one row. Each is measured in turn with ours, in the same run.
"""
