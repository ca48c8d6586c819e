"""Makes a failing case small: passes, functions, operations, extents, inputs."""
