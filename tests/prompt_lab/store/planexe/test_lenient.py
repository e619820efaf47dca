"""Reading what may be damaged: any bytes give a value and perhaps a fault."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.store.planexe.lenient import Faults, read_object, read_objects, read_text


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    with TemporaryDirectory() as root:
        path = Path(root) / "meta.json"
        path.write_bytes(data)
        faults: Faults = []
        assert isinstance(read_object(path, faults), dict)
        assert all(isinstance(row, dict) for row in read_objects(path, faults))
        assert len(faults) <= 4


def test_deep_nesting_and_a_folder_in_a_file_s_place_are_faults(tmp_path: Path) -> None:
    faults: Faults = []
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000)
    assert read_object(deep, faults) == {}
    assert read_object(tmp_path, faults, name="meta.json") == {}
    assert read_text(tmp_path / "gone", faults) is None
    assert read_text(deep / "below", faults) is None
    assert faults == [
        "deep.json is no JSON object",
        "meta.json cannot be read",
        "no gone",
        "below cannot be read",
    ]


def test_a_character_that_says_replaced_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("\ufffd", "utf-8")
    faults: Faults = []
    assert read_text(path, faults) == "\ufffd"
    assert faults == []
