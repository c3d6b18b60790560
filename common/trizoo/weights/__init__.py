"""Arrays by canonical name: checkpoints, initial weights, the report of what was loaded, the names of each model."""
