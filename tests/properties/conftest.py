"""Hypothesis profiles: an everyday one that keeps `make test` short, and a long one for
`make test-long`.

Failures print the blob that reproduces them; nothing depends on how fast the machine is today.
"""

from hypothesis import HealthCheck, settings

from tests.lengths import IS_LONG, length

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)

settings.register_profile(
    "everyday",
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "long",
    settings.get_profile("everyday"),
    max_examples=length(250, long=10_000),
    stateful_step_count=100,
)
settings.load_profile("long" if IS_LONG else "everyday")
