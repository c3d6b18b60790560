"""What completion takes."""

from trizoo.commands.flags.shared import Parser

SHELLS = ("bash", "zsh", "tcsh")


def parser(prog="trizoo completion"):
    """The command line of completion."""
    flags = Parser(
        prog=prog,
        description="Print what a shell reads to complete commands, flags, models and files at the Tab key.",
        epilog="bash: trizoo completion bash >> ~/.bash_completion; zsh: trizoo completion zsh > a file _trizoo in one "
        "of the folders of $fpath; then a new shell",
    )
    flags.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    return flags
