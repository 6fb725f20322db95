"""The one layer around every provider: open, session, stream, time-outs, retry, error classes."""
