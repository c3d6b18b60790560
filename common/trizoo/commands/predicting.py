"""What predict does with the images and videos that it was given, once a model is there."""

import sys
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from trizoo.commands.cli import say
from trizoo.commands.window import WindowClosedError, is_watched
from trizoo.data.photo import Photo, UnreadableError
from trizoo.ground.errors import UserError
from trizoo.pictures.draw_heat import draw_heat
from trizoo.tasks.pipeline import Heated
from trizoo.tasks.video_writer import video_writer
from trizoo.tasks.writers import in_folder, save_picture

HEAT_FOLDER = "heatmaps"


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
        window: a `trizoo.commands.window.Window`, None where nothing is shown
        failed: how many images and videos couldn't be read to their end
        seen: how many images and frames were looked at
    """

    task: Any
    pipeline: Any
    recipe: Any
    args: Any
    files: Any
    numbers: Any
    window: Any = None
    failed: int = 0
    seen: int = 0

    def __post_init__(self):
        self.total = self.task.total(self.recipe, self.args)

    def images(self, photos, targets):
        """Photos, and where their pictures go. Raises WindowClosedError."""
        answers = self.pipeline(photos, self.args.batch_size, skip=True)
        for photo, target, found in zip(photos, targets, answers, strict=True):
            number = next(self.numbers)  # of those too that can't be read
            try:
                if isinstance(found, UserError):
                    raise UnreadableError(str(found))
                found, heat = _apart(found)
                picture, result = self._written(photo, target, found, heat)
            except UnreadableError as error:
                self._fail(error)
                continue
            if not self.args.no_pictures:
                save_picture(target, picture)
            self._add(result, number)
            say(self.task.line(photo, found, result, self.recipe, self.args))
            photo.forget()
            if self.window is not None:
                self.window.show(picture, wait=is_watched())

    def video(self, footage, target):
        """A Footage, and where its drawn video goes; files about its frames go to a folder of that name.

        Ctrl-C ends live footage, the rest of the command follows. Raises WindowClosedError once the video is whole.
        """
        frames, damage, looked_at, writer, closed = deque(), [], 0, None, None
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
                        picture, result = self._written(photo, folder / photo.path.name, *_apart(found))
                        if not self.args.no_pictures:
                            writer = writer or stack.enter_context(
                                video_writer(target, video.rate / self.args.every, footage.sound)
                            )
                            writer.add(picture, frame.time)
                        self._add(result, next(self.numbers))
                        looked_at += 1
                        bar.update()
                        if self.window is not None:
                            self.window.show(picture)
                except KeyboardInterrupt:
                    if not footage.live:
                        raise
                except WindowClosedError as error:
                    closed = error
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
        if closed:
            raise closed

    def _written(self, photo, target, found, heat):
        """Writes the files that the flags ask for -> the picture, None where none is wanted, and the result."""
        result = self.task.result(photo, found, self.recipe, self.args)
        self.task.write(photo, target, found, self.recipe, self.args)
        if heat is not None:
            path = in_folder(self.args.out, HEAT_FOLDER, target).with_suffix(".png")
            save_picture(path, draw_heat(photo.pixels(), heat()))
        unseen = self.args.no_pictures and self.window is None
        picture = None if unseen else self.task.draw(photo, found, self.recipe, self.args)
        return picture, result

    def _add(self, result, number):
        self.total.add(result)
        self.seen += 1
        for file, entries in self.files.items():
            file.add(*entries(result, number))

    def _fail(self, error):
        """One line about what doesn't end the command."""
        self.failed += 1
        print(f"error: {error}", file=sys.stderr, flush=True)


def _apart(found):
    """A result, and what gives its map of heat, None without one."""
    return (found.found, found.heat) if isinstance(found, Heated) else (found, None)


def _bar(name, video, every):
    """A bar on stderr where that is a terminal, nothing elsewhere."""
    total = None if video.count is None else -(-video.count // every)
    return tqdm(total=total, desc=Path(name).name, unit=" frames", leave=False, disable=None, file=sys.stderr)
