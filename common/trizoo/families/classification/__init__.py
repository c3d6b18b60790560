"""Classification: a class for a whole image."""
