"""Results as JSON can hold them."""


def shown(value):
    """A metric for a person: four digits, or "none"."""
    return "none" if value is None else f"{value:.4f}"
