"""Pictures for a person: boxes, masks, colours, fonts."""
