"""Data sets: reading what users have, drawing our own, checking both, and making batches."""
