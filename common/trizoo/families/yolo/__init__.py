"""YOLOv3 and YOLOv4."""
