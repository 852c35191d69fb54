"""Order books of others, to be measured beside the core: each in a process of its own.

`make bench` installs them by their own locks into `build/peers`; nothing else of Probity knows of
them.
"""
