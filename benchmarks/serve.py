"""`trizoo serve` under load and under attack: the figures in docs/serve.md.

    python benchmarks/serve.py --weights best.h5 [--requests 1000 --clients 16 --batch-size 8]

First good requests by several clients at once: none may be lost, and every answer has to be that image's own. Then as
many hostile ones: mutated images, forms that are cut off, bodies that say they are huge, bombs, wrong content types,
bodies that stop coming. None may end in more than 4xx, the server has to be there afterwards, and its memory as before.
"""

import argparse
import io
import json
import random
import re
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from trizoo.data.synthetic import draw_image

SIZES = ((640, 480), (500, 375), (320, 240), (1280, 720))
CLASSES = ("circle", "square", "triangle")
SECONDS = 20  # that a request may take
NEAR = 0.1  # pixels by which boxes of one image may differ, since networks sum up a batch in another order


def start(weights, batch_size):
    """The command as a process, and where it answers."""
    limits = ["--batch-size", str(batch_size), "--timeout", str(SECONDS)]
    command = [sys.executable, "-m", "trizoo", "serve", weights, "--port", "0", "--confidence", "0.25", *limits]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        print(f"  {line.strip()}", flush=True)
        if ready := re.match(r"ready at (\S+)", line):
            return process, urlsplit(ready[1])
    raise SystemExit("the server didn't start")


def memory(process, line="VmRSS"):
    """Its resident memory in MB, or with "VmHWM" the most that it was."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{line}:\s+(\d+)", status)[1]) / 1000


def encoded(pixels, kind, **options):
    """An image file's bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return file.getvalue()


def health(place):
    """What the server says of itself."""
    connection = HTTPConnection(place.hostname, place.port, timeout=60)
    connection.request("GET", "/health")
    return json.load(connection.getresponse())


def load(place, files, requests, clients):
    """Seconds of each request and in all; how many answers are those of the same image sent alone; boxes an image."""

    def ask(connection, number):
        began = time.perf_counter()
        connection.request("POST", "/predict", files[number % len(files)], {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        answer = json.load(response)
        assert response.status == 200, answer
        return time.perf_counter() - began, answer

    def client(first):
        connection = HTTPConnection(place.hostname, place.port, timeout=120)
        return [(number, *ask(connection, number)) for number in range(first, requests, clients)]

    alone = [ask(HTTPConnection(place.hostname, place.port, timeout=120), number)[1] for number in range(len(files))]
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        done = [one for several in pool.map(client, range(clients)) for one in several]
    whole = time.perf_counter() - began
    boxes = sum(len(answer["detections"]) for _, _, answer in done) / len(done)
    same = sum(is_same(answer, alone[number % len(files)]) for number, _, answer in done)
    return [seconds for _, seconds, _ in done], whole, same, boxes


def is_same(answer, alone):
    """Whether two answers hold the same boxes."""
    pair = answer["detections"], alone["detections"]
    boxes = [np.array(sorted([one["label"], *one["box"]] for one in found), np.float64) for found in pair]
    return boxes[0].shape == boxes[1].shape and (not boxes[0].size or np.abs(boxes[0] - boxes[1]).max() <= NEAR)


def png_of(width, height, data):
    """A PNG that says its size is this: 8 bit RGB."""

    def chunk(kind, content):
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


class Attacks:
    """Hostile requests, each drawn from its number: bytes of HTTP, and whether they come slowly."""

    def __init__(self, place, photo):
        self.host, self.photo = place.netloc, photo
        pixels = np.asarray(Image.open(io.BytesIO(photo)))
        kinds = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")
        self.files = [*(encoded(pixels, kind) for kind in kinds), encoded(pixels, "JPEG", progressive=True)]
        black = zlib.compress(bytes(3 * 7000 + 1) * 7000, 9)
        self.bombs = [
            png_of(60000, 60000, zlib.compress(bytes(10_000_000), 9)),
            png_of(12000, 12000, black),
            png_of(7000, 7000, black),  # within what is taken: all of it is decoded
            encoded(np.zeros((9000, 9000), np.uint8), "TIFF", compression="tiff_deflate"),
            encoded(np.zeros((9000, 9000), np.uint8), "GIF"),
        ]

    def request(self, data, *headers, length=None):
        """A request's bytes."""
        about = f"Host: {self.host}", "Connection: close", f"Content-Length: {length or len(data)}"
        lines = ["POST /predict HTTP/1.1", *about, *headers]
        return "\r\n".join([*lines, "", ""]).encode() + data

    def form(self, data):
        """A form's bytes with its header."""
        head = b'--xyz\r\nContent-Disposition: form-data; name="image"; filename="../../a.png"\r\n\r\n'
        return head + data + b"\r\n--xyz--\r\n", "Content-Type: multipart/form-data; boundary=xyz"

    def mutated(self, dice):
        """An image with a few bytes changed, or cut off."""
        data = bytearray(dice.choice(self.files))
        for _ in range(dice.randint(1, 40)):
            data[dice.randrange(dice.choice((64, 700, len(data))))] = dice.randrange(256)
        return self.request(bytes(data[: dice.randint(1, len(data))] if dice.random() < 0.3 else data))

    def cut_form(self, dice):
        """A form that ends somewhere."""
        data, kind = self.form(self.photo)
        return self.request(data[: dice.randrange(len(data))], kind)

    def mutated_form(self, dice):
        """A form whose own lines are changed."""
        data, kind = self.form(b"\r\n--xyz" * dice.randint(0, 50))
        data = bytearray(data)
        for _ in range(dice.randint(1, 20)):
            data[dice.randrange(len(data))] = dice.choice(b'\r\n-:;="\x00\xffx')
        return self.request(bytes(data), dice.choice((kind, kind[:-3], f'{kind}"', f"{kind};charset=nothing")))

    def huge(self, dice):
        """A body that says it is long, of which little comes."""
        return self.request(b"\xff\xd8\xff", length=dice.choice((10**8, 10**12, 10**40)))

    def bomb(self, dice):
        """Few bytes, many pixels."""
        return self.request(dice.choice(self.bombs))

    def wrong_type(self, dice):
        """A content that is no image, or says that it is none."""
        kinds = ("text/html", "application/json", "multipart/form-data", "multipart/mixed; boundary=a", "\xff", "image")
        return self.request(dice.choice((b"{}", b"<svg/>", self.photo)), f"Content-Type: {dice.choice(kinds)}")

    def nonsense(self, dice):
        """No HTTP, or another address."""
        end = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        lines = (
            dice.randbytes(300) + b"\r\n\r\n",
            b"GET /%2e%2e/%2e%2e/etc/passwd" + end + b"\r\n",
            b"POST /predict?confidence=nan&classes=%ff" + end + b"Content-Length: 0\r\n\r\n",
            b"POST /predict" + end + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /" + end + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        )
        return dice.choice(lines)

    def slow(self, dice):
        """A body that stops coming."""
        return self.request(self.photo[: dice.randrange(1, 2000)], length=100_000)


def attack(place, attacks, number):
    """(kind, status) of a hostile request; status 0 where the connection is closed without a word."""
    dice = random.Random(number)
    kinds = ("mutated", "cut_form", "mutated_form", "huge", "bomb", "wrong_type", "nonsense", "slow")
    (kind,) = dice.choices(kinds, (40, 14, 12, 8, 4, 10, 8, 4))
    said = b""
    with socket.create_connection((place.hostname, place.port), timeout=4 * SECONDS) as connection:
        try:
            connection.sendall(getattr(attacks, kind)(dice))
            while block := connection.recv(65536):
                said += block
        except ConnectionError:  # it has closed before all was sent
            pass
    status = re.match(rb"HTTP/1\.1 (\d+)", said)
    assert b"Traceback" not in said
    return kind, int(status[1]) if status else 0


def main():
    """Prints the figures."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--weights", required=True)
    flags.add_argument("--requests", type=int, default=1000)
    flags.add_argument("--clients", type=int, default=16)
    flags.add_argument("--batch-size", type=int, default=8)
    args = flags.parse_args()
    files = [encoded(draw_image(n, SIZES[n % len(SIZES)], CLASSES, 0)[0], "JPEG", quality=90) for n in range(16)]
    process, place = start(args.weights, args.batch_size)
    try:
        load(place, files, 64, args.clients)
        before, then = memory(process), health(place)
        seconds, whole, same, boxes = load(place, files, args.requests, args.clients)
        now = health(place)
        images = now["images"] - then["images"] - len(files)
        batches = now["batches"] - then["batches"] - len(files)
        print(f"{len(seconds)} of {args.requests} answered by {args.clients} clients, {boxes:.1f} boxes an image")
        print(f"{same} answers are those of the image sent alone")
        print(f"{len(seconds) / whole:.1f} requests/s, {images / batches:.2f} images a batch")
        print("ms: " + ", ".join(f"p{share} {1000 * np.percentile(seconds, share):.0f}" for share in (50, 90, 99, 100)))
        print(f"memory: {before:.0f} MB before, {memory(process):.0f} MB after", flush=True)
        attacks = Attacks(place, files[0])
        told, half = Counter(), args.requests // 2
        for numbers in (range(half), range(half, args.requests)):
            with ThreadPoolExecutor(args.clients) as pool:
                told.update(pool.map(lambda number: attack(place, attacks, number), numbers))
            print(f"memory: {memory(process):.0f} MB after {len(numbers)} hostile requests", flush=True)
        for (kind, status), count in sorted(told.items()):
            print(f"  {kind:13} {status or 'closed':>6} {count:5}")
        worst = max(status for _, status in told)
        print(f"{args.requests} hostile requests, highest status {worst}; then: {health(place)}")
        print(f"memory: {memory(process, 'VmHWM'):.0f} MB at most")
    finally:
        process.terminate()
        process.wait()
    print(f"exit code {process.returncode}")


if __name__ == "__main__":
    main()
