"""What a host should know of a model before visitors meet it."""
