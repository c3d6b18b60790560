"""Multi-label classification: any number of labels for a whole image."""
