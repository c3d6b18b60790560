import os
import subprocess
import sys

import pytest

from trizoo.ground.stderr import without_remarks

REMARKS = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795842980.851033   17965 port.cc:153] oneDNN custom operations are on. You may see slightly different …
W0000 00:00:1795842980.851033   17965 cpu_feature_guard.cc:227] This TensorFlow binary is optimized to use available …
2024-05-01 12:00:00.123456: I external/local_tsl/tsl/cuda/cudart_stub.cc:31] Could not find cuda drivers on your machine
E0000 00:00:1795842980.851033   17965 cuda_fft.cc:467] Unable to register cuFFT factory: Attempting to register …
2024-05-01 12:00:00.123456: E external/local_xla/xla/cuda_dnn.cc:9261] Unable to register cuDNN factory: Attempting …
"""
WORDS = """\
E0000 00:00:1795842980.851033   17965 cuda_platform.cc:51] failed call to cuInit: out of memory
UserWarning: something of Python's
I am no remark
"""


def test_remarks_on_the_machine_are_left_out_and_the_rest_comes_in_order(capfd):
    with without_remarks():
        for remark, words in zip(
            REMARKS.splitlines(keepends=True), [*WORDS.splitlines(keepends=True), "", "", ""], strict=True
        ):
            os.write(2, remark.encode())
            print(words, end="", file=sys.stderr)
    os.write(2, b"after it: I0000 00:00:1.5 7 port.cc:1] as it is\n")
    assert capfd.readouterr().err == WORDS + "after it: I0000 00:00:1.5 7 port.cc:1] as it is\n"


def test_what_was_written_before_an_error_comes_out(capfd):
    def fail():
        print("the reason", file=sys.stderr)
        raise ImportError("no")

    with pytest.raises(ImportError), without_remarks():
        fail()
    assert capfd.readouterr().err == "the reason\n"


def test_no_standard_error_is_no_hindrance():
    code = """
import os
from trizoo.ground.stderr import without_remarks
os.close(2)
with without_remarks():
    print("done")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (0, "done\n")
