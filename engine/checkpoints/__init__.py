"""From an untrusted .ckpt to a warm model."""
