"""The agent: instructions, history, scenes, replies. It knows text and time, not audio."""
