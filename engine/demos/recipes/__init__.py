"""One file a bundled model: where its data comes from, how it is trained, what its card says."""
