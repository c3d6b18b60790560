"""What predict does with the images and videos that it was given, once a model is there."""

import sys
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from trizoo.commands.cli import say
from trizoo.data.photo import Photo, UnreadableError
from trizoo.ground.errors import UserError
from trizoo.tasks.video_writer import video_writer
from trizoo.tasks.writers import save_picture


@dataclass
class Predicting:
    """A model in use.

    Args:
        task: a `trizoo.tasks.base.Task`
        pipeline: its ImagePipeline
        recipe: the model's
        args: predict's
        files: {`trizoo.tasks.json_lines.ResultFile`: (result, image's number) -> its entries there}
        numbers: an iterator of the images' numbers
        failed: how many images and videos couldn't be read to their end
    """

    task: Any
    pipeline: Any
    recipe: Any
    args: Any
    files: Any
    numbers: Any
    failed: int = 0

    def __post_init__(self):
        self.total = self.task.total(self.recipe, self.args)

    def images(self, photos, targets):
        """Photos, and where their pictures go."""
        answers = self.pipeline(photos, self.args.batch_size, skip=True)
        for photo, target, found in zip(photos, targets, answers, strict=True):
            number = next(self.numbers)  # of those too that can't be read
            try:
                if isinstance(found, UserError):
                    raise UnreadableError(str(found))
                picture, result = self._written(photo, target, found)
            except UnreadableError as error:
                self._fail(error)
                continue
            if picture is not None:
                save_picture(target, picture)
            self._add(result, number)
            say(self.task.line(photo, found, result, self.recipe, self.args))
            photo.forget()

    def video(self, footage, target):
        """A Footage, and where its drawn video goes; files about its frames go to a folder of that name.

        Ctrl-C ends live footage, the rest of the command follows.
        """
        frames, damage, looked_at, writer = deque(), [], 0, None
        folder = target.with_suffix("")
        batch_size = 1 if footage.live else self.args.batch_size  # or what is seen would lag behind

        def photos(video):
            try:
                for frame in video.frames(self.args.every):
                    about = {"frame": frame.number, "seconds": round(float(frame.time), 3)}
                    path = footage.path.with_suffix("") / f"{frame.number:06d}.jpg"
                    frames.append((frame, Photo(footage.name, path, lambda pixels=frame.pixels: pixels, about)))
                    yield frames[-1][1]
            except UserError as error:  # what was read before it still goes through the network
                damage.append(error)

        try:
            with footage.open() as video, ExitStack() as stack:
                bar = stack.enter_context(_bar(footage.name, video, self.args.every))
                try:
                    for found in self.pipeline(photos(video), batch_size, skip=True):
                        frame, photo = frames.popleft()
                        if isinstance(found, UserError):
                            raise found
                        picture, result = self._written(photo, folder / photo.path.name, found)
                        if picture is not None:
                            writer = writer or stack.enter_context(
                                video_writer(target, video.rate / self.args.every, footage.sound)
                            )
                            writer.add(picture, frame.time)
                        self._add(result, next(self.numbers))
                        looked_at += 1
                        bar.update()
                except KeyboardInterrupt:
                    if not footage.live:
                        raise
        except UnreadableError as error:
            damage.append(error)
        except UserError as error:
            if looked_at:
                raise
            damage.append(error)
        for error in damage:
            self._fail(error)
        if looked_at:
            say(f"{footage.name}: {looked_at} {'frame' if looked_at == 1 else 'frames'}")
        if writer is not None and writer.note:
            say(f"{footage.name}: {writer.note}")

    def _written(self, photo, target, found):
        """Writes the files that the flags ask for -> the picture, None where none is wanted, and the result."""
        result = self.task.result(photo, found, self.recipe, self.args)
        self.task.write(photo, target, found, self.recipe, self.args)
        picture = None if self.args.no_pictures else self.task.draw(photo, found, self.recipe, self.args)
        return picture, result

    def _add(self, result, number):
        self.total.add(result)
        for file, entries in self.files.items():
            file.add(*entries(result, number))

    def _fail(self, error):
        """One line about what doesn't end the command."""
        self.failed += 1
        print(f"error: {error}", file=sys.stderr, flush=True)


def _bar(name, video, every):
    """A bar on stderr where that is a terminal, nothing elsewhere."""
    total = None if video.count is None else -(-video.count // every)
    return tqdm(total=total, desc=Path(name).name, unit=" frames", leave=False, disable=None, file=sys.stderr)
