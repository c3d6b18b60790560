"""DeepLabv3, DeepLabv3+ and PSPNet."""
