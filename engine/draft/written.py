"""What `init` has put into a folder: it may write that anew, and nothing that a person wrote or changed since."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from engine.cards.card import file_hash
from engine.errors import CardError

_KEPT = ".drafted.json"


class Written:
    """The files that `init` wrote into the folder, with their hashes; known to a further `init`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / _KEPT

    def is_free(self, name: str) -> bool:
        """Whether nothing of that name is there but what was written by `init`."""
        path = self._folder / name
        return not path.exists() or self._hashes().get(name) == file_hash(path)

    def note(self, name: str) -> None:
        """Remembers the file as it is now."""
        hashes = {**self._hashes(), name: file_hash(self._folder / name)}
        self._file.write_text(json.dumps(hashes), encoding="utf-8")

    def copy(self, source: Path, name: str) -> None:
        """Copies the file there; CardError where that would write over another one."""
        target = self._folder / name
        if source.resolve() == target.resolve():
            return
        if not self.is_free(name) and file_hash(target) != file_hash(source):
            raise CardError(
                f"{target} is there already, is another file than {source}, and was not left so by init. Name the one "
                "in the folder instead, or rename one of them."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        self.note(name)

    def _hashes(self) -> dict[str, str]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
