"""The model store, the audio cache and the durable outbox."""
