"""An example of a package that adds a task, a reader and a backend to Forelight."""
