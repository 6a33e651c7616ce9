"""The engine as one caller may use it: what pages and routes have."""
