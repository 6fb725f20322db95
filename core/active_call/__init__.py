"""active-call: AI voice agents on real phones and browsers."""

__version__ = "0.1.0"
