"""What everything stands on: errors, files, memory, boxes, samples, conventions; it imports no other room."""
