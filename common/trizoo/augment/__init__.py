"""Augmentation: from a sample of any size to one of the network's size, boxes and mask in step with the pixels."""
