"""Who asks, what the server may be called, and what every answer carries."""
