"""What comes from outside is checked here: paths, and secrets on their way into logs."""
