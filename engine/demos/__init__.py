"""The bundled models: modules, the recipes that train them, and their cards and checkpoints in `models/`."""
