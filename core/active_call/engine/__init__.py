"""Who listens, thinks and speaks in a call: between its media (audio) and its agent (text)."""
