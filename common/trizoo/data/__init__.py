"""Data sets: reading what users have, making synthetic data, checking both, and making batches."""
