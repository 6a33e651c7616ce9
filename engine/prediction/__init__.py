"""Predictions by `Trainer.predict`: one shard, or a few rows while a person waits."""
