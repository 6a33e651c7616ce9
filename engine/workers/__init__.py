"""The worker process: what it can do, and what server and worker say to each other."""
