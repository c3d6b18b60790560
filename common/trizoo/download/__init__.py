"""Getting files from the network: whole, checked and only once. Nothing in here knows what the files are for."""
