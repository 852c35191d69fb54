"""The checker: looks at the exchange while it trades, and halts what isn't as it must be.

jobs      the job that looks, and its figures
halting   halts what a finding is about, in the engine's process
routes    what was found, for admins, who acknowledge it
"""
