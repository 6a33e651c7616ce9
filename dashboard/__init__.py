"""Shows the engine in a browser; computes nothing."""
