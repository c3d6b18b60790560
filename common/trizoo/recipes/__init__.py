"""Every number of a run: the schema, the files that fill it, and how they are read and shown."""
