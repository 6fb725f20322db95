"""The media path: 16 kHz mono int16 in 20 ms frames, one clock per process, per-frame work by plain calls."""
