"""YOLOv3 and its relatives in PyTorch."""
