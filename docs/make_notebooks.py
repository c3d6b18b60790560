"""The notebooks of docs/notebooks/ from their scripts: `pip install jupytext`, then `python docs/make_notebooks.py`.

A script has a cell behind each `# %%`; what is changed is the script. Notebooks are kept without outputs.
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook(script):
    """The notebook of a script, as nbformat has them: without outputs, its cells numbered."""
    import jupytext

    made = jupytext.read(script)
    made.metadata = {"kernelspec": KERNEL}
    for number, cell in enumerate(made.cells, 1):
        cell["id"], cell["metadata"] = f"cell-{number}", {}
    made.nbformat, made.nbformat_minor = 4, 5
    return made


def main():
    """Writes each script's notebook beside it."""
    import nbformat

    for script in sorted(FOLDER.glob("*.py")):
        nbformat.write(notebook(script), script.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
