"""HTTP and WebSocket: translates between the network and calls."""
