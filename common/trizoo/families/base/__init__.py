"""What families have in common."""
