"""A card for a checkpoint that has none yet: what can be found is found, what cannot is asked for."""
