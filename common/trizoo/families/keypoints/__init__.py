"""Key points: marks of one size, found in a grid of cells, without anchors, box coding or NMS."""
