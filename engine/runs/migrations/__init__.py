"""The run store's schema, step by step; Alembic takes a database from any of them to the newest."""
