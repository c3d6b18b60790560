"""A model behind HTTP: images come in, what is found goes out; and a page to try it with.

Nothing that a stranger sends is more than bytes of an image, a few numbers and names: no path or address of theirs is
opened. FastAPI and uvicorn (extra `serve`) are imported where they are used.
"""
