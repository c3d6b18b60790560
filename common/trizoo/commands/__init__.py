"""The command lines: what each command takes is in `flags`, what it does in the module of its name."""
