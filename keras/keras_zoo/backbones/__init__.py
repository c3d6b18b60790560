"""Feature extractors, shared by models."""
