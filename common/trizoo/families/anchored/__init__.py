"""What SSD and RetinaNet share: anchors in a flat order, boxes as offsets from them, matching, decoding."""
