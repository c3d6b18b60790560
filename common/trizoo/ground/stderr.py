"""What C++ libraries write to standard error while they are loaded, less what no user can do anything about."""

import os
import re
import sys
from contextlib import contextmanager

# TensorFlow's on the machine that it finds itself on: "I0000 00:00:1795843346.976286 19904 port.cc:153] oneDNN custom
# operations are on. …", or with a date before "I" in older versions. Some of it heeds no TF_CPP_MIN_LOG_LEVEL.
REMARK = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|[IW]\d{4} \d\d:\d\d:[\d.]+ +\d+ \S+\.cc:\d+\]"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+: [IW] \S+\.cc:\d+\]"
    rb"|.*\.cc:\d+\] Unable to register cu\w+ factory"
    rb"|E\d{4} \d\d:\d\d:[\d.]+ +\d+ node_def_util\.cc:\d+\] NodeDef mentions attribute \w+ which is not in the op"
    rb"|INFO: Created TensorFlow Lite XNNPACK delegate"
    # libtiff's, by the function or the file that Pillow has it open
    rb"|(?:tempfile\.tif|_?TIFF\w*|O?JPEG\w*|(?:LZW|ZIP|Fax|PackBits|LZMA|ZSTD|WebP)\w*): "
    rb"|fully_quantize: \d, inference_type: \d"
)


@contextmanager
def without_remarks():
    """While it lasts, what is written to standard error waits; at the end all of it but such remarks comes out."""
    import tempfile  # here, since help does without

    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as waiting:
        os.dup2(waiting.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            waiting.seek(0)
            lines = [line for line in waiting if not REMARK.match(line)]
            os.write(2, b"".join(lines))
