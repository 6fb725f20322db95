"""What comes from outside is checked here: who asks, which files and hosts they name; and secrets kept out of logs."""
