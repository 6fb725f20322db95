"""What comes from outside is checked here: who asks, which files and hosts they name, and secrets on their way to logs."""
