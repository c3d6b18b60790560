"""Recognition: vectors of named pictures in a file, the search for the nearest, and what lies in a scene by name."""
