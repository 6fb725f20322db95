"""How much hypothesis tries: `--hypothesis-profile=thorough` tries the state machines thousands of times."""

from hypothesis import settings

settings.register_profile("thorough", max_examples=2000, deadline=None)
