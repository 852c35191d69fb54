"""What those who look after the exchange see before they act: how the engine runs, and who is paid
what by a resolution.
"""
