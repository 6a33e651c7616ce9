"""Threat 11: checkpoints of a few bytes that would take gigabytes, or all time there is, once they are loaded."""

from __future__ import annotations

import resource
import struct
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoints.checkpoint import MAX_PICKLE_BYTES, Checkpoint
from engine.checkpoints.module import build_module
from engine.draft.without_objects import copy_without_objects
from engine.errors import CheckpointError, ForelightError
from tests.threats.checkpoints import CARD, load, repacked, saved

_MOST_GROWTH = 64 << 20
_EMPTY_TUPLE, _PAIR_OF_IT = b")", b"q\xc8h\xc8\x86"  # remember it, take it again, make a pair of both
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"


def under(key: bytes, value: bytes) -> Callable[[bytes], bytes]:
    """A change to a pickle of a dict: one more item, written in a pickle's own instructions."""
    item = b"X" + struct.pack("<I", len(key)) + key + value + b"s"
    return lambda pickled: pickled[:-1] + item + b"."


def tensor(size: bytes, stride: bytes = b"K\0", *, there: int = 4, offset: bytes = b"K\0") -> bytes:
    """A tensor of the first weight's numbers, of any size."""
    text = b"X\7\0\0\0storage", b"ctorch\nFloatStorage\n", b"X\1\0\0\0" + b"0", b"X\3\0\0\0cpu", bytes([75, there])
    storage = b"(" + b"".join(text) + b"tQ"
    empty = b"ccollections\nOrderedDict\n)R"
    return TENSOR + b"(" + storage + offset + size + b"\x85" + stride + b"\x85" + b"\x89" + empty + b"tR"


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


BOMBS = {
    "ten gigabytes of zeros": b"c__builtin__\nbytearray\n" + number(10**10) + b"\x85R",
    "a tensor of any size": b"ctorch\nTensor\n" + number(10**10) + b"\x85R",
    "a storage of any size": b"ctorch.storage\nUntypedStorage\n" + number(10**10) + b"\x85R",
    "one number in ten billion places": tensor(number(10**10)),
    "numbers that are not there": tensor(number(10**10), b"K\1"),
    "some numbers that are not there": tensor(b"K\x08", b"K\1"),
    "numbers before the first": tensor(b"K\1", offset=number(-10)),
    "more numbers than the file has": tensor(b"K\4", b"K\1", there=200),
    "a tensor without numbers": b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n"
    + b"(ctorch\nfloat32\n" + number(10**10) + b"\x85K\1\x85\x89tR",
    "a key that takes for ever to hash": b"}" + _EMPTY_TUPLE + _PAIR_OF_IT * 60 + b"K\1s",
    "a set that takes for ever to hash": b"c__builtin__\nset\n]" + _EMPTY_TUPLE + _PAIR_OF_IT * 60 + b"a\x85R",
    "a text that takes for ever to decode": b"c_codecs\nencode\nX\1\0\0\0aX\4\0\0\0idna\x86R",
    "a set with a state": b"c__builtin__\nset\n]\x85R}b",
    "an instruction that torch does not know": b"\x8f",
}  # fmt: skip


@pytest.mark.parametrize("value", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("key", [b"callbacks", b"state_dict"])
def test_nothing_is_made_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: bytes, value: bytes) -> None:
    path, made = repacked(saved(tmp_path / "model.ckpt"), under(key, value)), []
    monkeypatch.setattr(torch, "load", lambda *given, **named: made.append(given))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError):
        load(path)
    assert not made
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < _MOST_GROWTH


def without_objects(path: Path) -> tuple[set[str], Checkpoint]:
    """(what was left out, the rest as it is then loaded)."""
    return set(copy_without_objects(path, path)), load(path)


@pytest.mark.parametrize("value", BOMBS.values(), ids=BOMBS)
def test_nothing_is_made_of_it_beside_an_object(tmp_path: Path, value: bytes) -> None:
    """Which `init` would leave out, and copy the rest."""
    path = saved(tmp_path / "model.ckpt", hyper_parameters={"object": Fraction(1, 2)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError):
        without_objects(repacked(path, under(b"callbacks", value)))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < _MOST_GROWTH


def nested() -> list[Any]:
    """A kilobyte of lists in lists, each held twice."""
    lists: list[Any] = []
    for _ in range(60):
        lists = [lists, lists]
    return lists


def test_a_name_that_takes_for_ever_to_say(tmp_path: Path) -> None:
    assert load(saved(tmp_path / "model.ckpt", hparams_name=nested())).hyper_parameters_name == ""
    with pytest.raises(CheckpointError, match="more than 10,000 hyper-parameters"):
        load(saved(tmp_path / "model.ckpt", hyper_parameters={"x": nested()}))


def test_what_takes_for_ever_to_look_through_is_left_out(tmp_path: Path) -> None:
    arguments = {"object": Fraction(1, 2), "nested": nested(), "width": 3}
    path = saved(tmp_path / "model.ckpt", hyper_parameters=arguments, hparams_name=nested())
    left_out, rest = without_objects(path)
    assert (left_out, rest.hyper_parameters) == ({"object", "nested"}, {"width": 3})


def test_what_is_honestly_shared_and_spread_is_loaded(tmp_path: Path) -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    state = {"a": weight, "tied": weight, "turned": weight.t(), "part": weight[1:, ::2], "none": torch.empty(0, 3)}
    state |= {"spread": torch.arange(3).expand(5, -1), "one": torch.tensor(2.0), "half": weight.bfloat16()}
    state |= {"parameter": torch.nn.Parameter(weight), "eighth": weight.to(torch.float8_e4m3fn), "yes": weight > 1}
    net = torch.nn.Linear(2, 1)
    steps = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    steps.step()
    rest = {"optimizer_states": [steps.state_dict()], "size": torch.Size([2]), "device": torch.device("cpu")}
    rest |= {"hyper_parameters": {"layers": (1, 2), "kinds": {"a", "b"}, "dtype": torch.float16, "large": 2**70}}
    found = load(saved(tmp_path / "model.ckpt", state_dict=state, **rest))
    assert {name: value.shape for name, value in found.state_dict.items()} == {n: v.shape for n, v in state.items()}
    assert torch.equal(found.state_dict["part"], state["part"])
    assert found.hyper_parameters == rest["hyper_parameters"]


def test_packed_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="packed or doubled"):
        load(repacked(saved(tmp_path / "model.ckpt"), bytes, zipfile.ZIP_DEFLATED))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_members_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.ckpt")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model/data.pkl", b"N.")
    with pytest.raises(CheckpointError, match="packed or doubled"):
        load(path)


def test_two_zips_in_one_file(tmp_path: Path) -> None:
    """Python's reader takes the second one, torch's the first: a bomb beside what was looked at."""
    path = saved(tmp_path / "model.ckpt")
    bomb = repacked(saved(tmp_path / "bomb.ckpt"), bytes, zipfile.ZIP_DEFLATED).read_bytes()
    harmless = path.read_bytes()
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = bomb
    commented = path.read_bytes()
    beside = commented, bomb + harmless, harmless + harmless, harmless + b"x", b"x" * 64 + harmless
    for content in (*beside, harmless[:-2] + b"\1\0"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="more than one zip"):
            load(path)


def test_a_member_that_says_it_is_larger_than_the_file(tmp_path: Path) -> None:
    """torch takes the memory first."""
    path = saved(tmp_path / "model.ckpt")
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("model/data/0").file_size = 10**9
        archive._didModify = True  # type: ignore[attr-defined]  # so that it writes its list again
    with pytest.raises(CheckpointError, match="declares more bytes than it has"):
        load(path)


def test_one_zip_that_is_read_in_two_ways(tmp_path: Path) -> None:
    """Python's reader tells DATA.PKL from data.pkl; torch's does not, and takes the last one."""
    path, other = saved(tmp_path / "model.ckpt"), saved(tmp_path / "other.ckpt", callbacks="not looked at")
    with zipfile.ZipFile(path, "a") as archive, zipfile.ZipFile(other) as read:
        archive.writestr("model/DATA.PKL", read.read("other/data.pkl"))
    assert torch.load(path, weights_only=True)["callbacks"] == "not looked at"
    with pytest.raises(CheckpointError, match="can be read in two ways"):
        load(path)


def test_a_pickle_above_the_limit(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.ckpt", callbacks="x" * MAX_PICKLE_BYTES)
    with pytest.raises(CheckpointError, match="holds a pickle of over 64 MiB"):
        load(path)


def test_a_size_that_no_memory_holds(tmp_path: Path) -> None:
    """4 × 10¹⁸ bytes are asked for; found out before any is taken."""
    parameters = {"features": 3, "classes": 2, "hidden": 10**9}
    path = saved(tmp_path / "model.ckpt", state_dict={}, hyper_parameters=parameters)
    with pytest.raises(ForelightError, match="not one of"):
        build_module(CARD, tmp_path, load(path))


LARGE = {
    "a class that cannot be sketched": "if torch.ones(1).item(): self.net = nn.Linear(size, 1)",
    "a table beside the weights": "self.register_buffer('table', torch.zeros(size, 2), persistent=False)",
    "one layer after the other": "self.nets = [nn.Linear(9_999, 9_999) for _ in range(size) if torch.ones(1).item()]",
    "layers without end": "self.nets = [nn.Linear(1, 1) for _ in range(size)]",
}


@pytest.mark.parametrize("line", LARGE.values(), ids=LARGE)
def test_a_size_is_measured_before_it_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Of classes that the meta device cannot build, or that keep more than their weights."""
    monkeypatch.setattr("engine.checkpoints.room._FREE_BYTES", 1 << 20)
    monkeypatch.setattr("engine.checkpoints.room._MOST_TENSORS", 1_000)
    head = "import torch\nimport pytorch_lightning as pl\nfrom torch import nn\nclass Model(pl.LightningModule):\n"
    (tmp_path / "model.py").write_text(
        f"{head}    def __init__(self, size):\n        super().__init__()\n        {line}\n"
    )
    card = CARD.model_copy(update={"module": "model:Model"})
    path = saved(tmp_path / "model.ckpt", state_dict={}, hyper_parameters={"size": 10**9})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="tensors without end, .* the file holds 0 MiB of weights"):
        build_module(card, tmp_path, load(path))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < _MOST_GROWTH
