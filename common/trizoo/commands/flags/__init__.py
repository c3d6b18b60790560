"""What each command takes: a parser a module, which import nothing that takes long to load.

So `--help` and a slip of the finger are answered at once. What a value means in full (a model's name, a layout) is
checked by the command itself.
"""
