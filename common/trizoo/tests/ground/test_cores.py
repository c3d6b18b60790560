import pytest

from trizoo.ground.cores import cpu_multiplies_bf16, greatest_share

X86 = "processor\t: 0\nflags\t\t: fpu avx512f {}\n\nprocessor\t: 1\nflags\t\t: fpu\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("text", "flag", "there"),
    [
        (X86, "avx512_bf16", True),
        (X86, "amx_bf16 amx_tile", True),
        (X86, "avx512_vnni", False),
        (ARM, "bf16", True),
        (ARM, "svebf16", False),
        ("model name\t: with {} in its name\n", "bf16", False),
    ],
)
def test_the_flags_of_the_first_core_say_whether_it_multiplies_bf16(tmp_path, text, flag, there):
    path = tmp_path / "cpuinfo"
    path.write_text(text.format(flag), encoding="utf-8")
    assert cpu_multiplies_bf16(path) is there


def test_where_the_system_does_not_say_the_cpu_does_not_multiply_bf16(tmp_path):
    assert cpu_multiplies_bf16(tmp_path / "none") is False


@pytest.mark.parametrize(
    ("there", "images", "count"), [(8, 24, 8), (8, 6, 6), (4, 6, 3), (4, 5, 1), (1, 8, 1), (0, 8, 1)]
)
def test_as_many_devices_work_as_share_the_images_equally(there, images, count):
    assert greatest_share(there, images) == count
