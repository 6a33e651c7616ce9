"""From a visitor's files to the run's typed input, and the report of everything that is in the way."""
