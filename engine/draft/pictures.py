"""A folder of pictures as a sample: some of each folder in it, whose names may be the classes."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from PIL import Image

from engine.errors import CardError
from engine.readers.source import IMAGE_SUFFIXES

_MOST, _FEWEST_A_FOLDER = 24, 1


def pack_pictures(folder: Path, target: Path) -> int:
    """Some of the folder's pictures, the first of each folder in it, as a zip at `target`; how many."""
    found = _by_folder(folder)
    each = max(_FEWEST_A_FOLDER, _MOST // len(found)) if found else 0
    chosen = [path for paths in found.values() for path in paths[:each]]
    if not chosen:
        raise CardError(f"--sample: there is no picture in '{folder}': PNG, JPEG, WebP, BMP or TIFF files, or folders.")
    with zipfile.ZipFile(target, "w") as archive:
        for path in chosen:
            archive.write(path, str(path.relative_to(folder)))
    return len(chosen)


def classes_of(sample: Path) -> tuple[str, ...]:
    """The folders that pictures lie in, of a folder or a zip, sorted as torchvision's ImageFolder numbers them."""
    if sample.is_dir():
        return tuple(sorted({path.name for path in _by_folder(sample) if path != sample}))
    if not zipfile.is_zipfile(sample):
        return ()
    with zipfile.ZipFile(sample) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist()]
    return tuple(sorted({path.parent.name for path in paths if path.suffix.lower() in IMAGE_SUFFIXES} - {""}))


def size_of(sample: Path) -> int:
    """How many pixels high and wide all pictures of a folder, a zip, or one alone, are; 0 where they are not alike."""
    sizes: set[tuple[int, int]] = set()
    try:
        if sample.is_dir():
            for path in [path for paths in _by_folder(sample).values() for path in paths[:_MOST]]:
                sizes.add(_size(path))
        elif sample.suffix.lower() in IMAGE_SUFFIXES:
            sizes.add(_size(sample))
        elif zipfile.is_zipfile(sample):
            with zipfile.ZipFile(sample) as archive:
                names = [name for name in archive.namelist() if Path(name).suffix.lower() in IMAGE_SUFFIXES]
                for name in names[:_MOST]:
                    with archive.open(name) as file:
                        sizes.add(_size(file))
    except (OSError, ValueError, Image.DecompressionBombError):  # reading the sample says so
        return 0
    width, height = sizes.pop() if len(sizes) == 1 else (0, 1)
    return width if width == height else 0


def _size(file: Path | IO[bytes]) -> tuple[int, int]:
    """Width and height, from the picture's head alone."""
    with Image.open(file) as picture:
        return picture.size


def _by_folder(folder: Path) -> dict[Path, list[Path]]:
    """The pictures in the folder and in those directly in it, by the folder that they lie in."""
    found: dict[Path, list[Path]] = {}
    for path in sorted((*folder.glob("*"), *folder.glob("*/*"))):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            found.setdefault(path.parent, []).append(path)
    return found
