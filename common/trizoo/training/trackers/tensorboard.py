"""TensorBoard's event files, by its own package without TensorFlow: `tensorboard --logdir runs` shows them."""

import math
import time

from trizoo.data.images import read_size
from trizoo.recipes.describe import dump
from trizoo.training.trackers.base import Tracker

FOLDER = "tensorboard"  # in the run folder


class TensorBoard(Tracker):
    """Writes RUN/tensorboard/events.out.tfevents.TIME; each resumption adds a file, which TensorBoard shows as one run.

    What a run that was killed had logged after the step it goes on from is forgotten there, as in our log.
    """

    name = "tensorboard"
    title = "TensorBoard"

    def begin(self, trainer, known):
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder = trainer.run.path / FOLDER
        folder.mkdir(exist_ok=True)
        # readers go through the files by name: nanoseconds keep two resumptions of one second apart, and in order
        self.file = RecordWriter((folder / f"events.out.tfevents.{time.time_ns()}").open("xb"))
        self._event(file_version="brain.Event:2")
        if known:
            self._event(step=trainer.step + 1, session_log=SessionLog(status=SessionLog.START))
        else:
            self._recipe(dump(trainer.recipe))
        self.file.flush()
        return FOLDER

    def write(self, values, step):
        from tensorboard.compat.proto.summary_pb2 import Summary

        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in finite.items()]
        self._event(step=step, summary=Summary(value=scalars))
        self.file.flush()

    def picture(self, path, step):
        from tensorboard.compat.proto.summary_pb2 import Summary

        width, height = read_size(path)
        image = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=path.read_bytes())
        self._event(step=step, summary=Summary(value=[Summary.Value(tag="samples", image=image)]))
        self.file.flush()

    def end(self, finished):
        self.file.close()

    def _recipe(self, text):
        """The recipe under TensorBoard's tab "Text"."""
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING

        shown = "".join(f"    {line}\n" for line in text.splitlines())
        tensor = TensorProto(dtype=DT_STRING, string_val=[shown.encode()])
        about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        self._event(summary=Summary(value=[Summary.Value(tag="recipe", tensor=tensor, metadata=about)]))

    def _event(self, **fields):
        from tensorboard.compat.proto.event_pb2 import Event

        self.file.write(Event(wall_time=time.time(), **fields).SerializeToString())
