"""How the tests of laws run: as long as they take. Hypothesis's deadline for an example fails whoever is held up."""

from hypothesis import settings

settings.register_profile("securechat", deadline=None)
settings.load_profile("securechat")
