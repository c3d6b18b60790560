"""What `trizoo diagnose` does: what is likely wrong with a run, and what would do."""

from trizoo.commands.cli import say
from trizoo.diagnosis.diagnose import diagnose
from trizoo.ground.memory import keep_freed_memory


def run(args):
    """The command. Returns 0, whatever is found; raises UserError for a folder that is no run."""
    keep_freed_memory()
    found = diagnose(args.run, args.data)
    say(found.to_json() if args.json else str(found))
    return 0
