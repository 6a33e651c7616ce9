"""Every error the engine raises on purpose; pages, routes and the command line only print them.

ForelightError
├── CardError            a card.yaml that cannot be used
├── UnknownModel         no model of that name
│   └── UnknownVersion   no version of that name
├── CheckpointError      a checkpoint that is missing, unsafe, damaged or of another class
├── ModuleProbeError     a module that could not be run on a probe batch, or whose outputs are unclear
│   └── OutputUnclear    one that gives several things, of which one may be the prediction
├── HostCodeFailed       an encode, decode or collate of the host's that raised an error, or gave what is of no use
│   └── HostCodeRaised   one that raised an error, perhaps about some of the rows only
│       ├── EncodeRaised encode or collate
│       └── DecodeRaised decode
├── ReadError            a file that cannot be read at all
├── InputRefused         the pre-flight report holds problems and the visitor chose to refuse
├── PredictionFailed     the model raised an error while predicting
├── ExportError          results that the asked format cannot hold
├── RunNotFound          no run of that id
├── RunStateError        a run that is not in the state the call needs
├── RunTaken             a run that another process has by now
├── ModelChanged         a run whose model is another by now
├── QueueFull            more runs wait than the host allows
├── UploadRefused        a file that is too large, or does not come whole
├── UploadNotFound       no upload of that visitor's of that id
├── StoreError           the database of runs does not answer
├── NotWritable          a model's folder that takes no further version
├── DiskFull             there is no room for what should be written
├── WorkerDied           the process that did the work ended in the middle of it
├── TooMuchWork          a file that takes more memory or time to read than it may
├── DeviceLost           a device that answers nothing sensible any more to this process
├── LoginNeeded          somebody who has to log in first
├── NotAllowed           somebody who may not do that
├── NotComparable        two runs that are not about the same rows
├── PluginError          a task, reader or backend of another package that cannot be used
├── NotInLake            nothing of that name in the folders that the host offers
├── LakeError            a folder that the host offers does not answer
├── ObjectStoreError     an object store that does not answer, or says no
├── UnknownBackend       FORELIGHT_BACKEND names none that there is
├── ClusterError         the cluster does not answer
├── NodeFault            a node of the cluster that does not see a run's rows
└── MissingPackage       an optional package is not installed
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from pathlib import Path


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name a person most likely meant by `name`, or None where none is near."""
    by_folded = {candidate.casefold().strip(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold().strip(), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


class ForelightError(Exception):
    """One sentence or more for a person: what was found, what was expected, where, what to do."""


class CardError(ForelightError):
    """A card that cannot be used, with the key at fault."""


class UnknownModel(ForelightError):
    """No model of that name in the folders the host named."""

    def __init__(self, model_id: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = nearest(model_id, names)
        hint = f" Did you mean '{near}'?" if near else ""
        super().__init__(f"There is no model '{model_id}'.{hint} Models here: {', '.join(names)}.")


class UnknownVersion(UnknownModel):
    """The model has no version of that name."""

    def __init__(self, model_id: str, version: str, known: Iterable[str]) -> None:
        ForelightError.__init__(self, f"The model '{model_id}' has no version '{version}'. It has {', '.join(known)}.")


class CheckpointError(ForelightError):
    """A checkpoint that is missing, unsafe, damaged or of another class."""


class ModuleProbeError(ForelightError):
    """A module that could not be run on a probe batch, or whose outputs are unclear."""


class OutputUnclear(ModuleProbeError):
    """A module that gives parts with these `names`, of which those in `choices` may be the prediction."""

    def __init__(self, names: Iterable[object], choices: Iterable[str]) -> None:
        self.choices = tuple(choices)
        may = (
            f"say in the card which is the prediction: output_key: {self.choices[0]}"
            if self.choices
            else ("none is a tensor with an entry for each row; make one of them in a function: decode")
        )
        super().__init__(f"The model gives {', '.join(map(str, names))}: {may}.")


class HostCodeFailed(ForelightError):
    """An encode, decode or collate of the host's that raised an error, or gave what is of no use."""


class HostCodeRaised(HostCodeFailed):
    """A function that raised an error, perhaps about some of the rows only; `key` names it, `why` is what it said."""

    def __init__(self, words: str, key: str = "", why: str = "") -> None:
        super().__init__(words)
        self.key, self.why = key, why


class EncodeRaised(HostCodeRaised):
    """An encode or collate that raised an error, before the module was called."""


class DecodeRaised(HostCodeRaised):
    """A decode that raised an error about what the module gave."""


class ReadError(ForelightError):
    """A file that cannot be read at all."""


class InputRefused(ForelightError):
    """The pre-flight report holds problems and the visitor chose to refuse."""


class PredictionFailed(ForelightError):
    """The model raised an error while predicting."""


class ExportError(ForelightError):
    """Results that the asked format cannot hold."""


class RunNotFound(ForelightError):
    """No run of that id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run '{run_id}'. It may have been deleted.")


class RunStateError(ForelightError):
    """A run that is not in the state the call needs."""


class RunTaken(RunStateError):
    """A run that another process has by now."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run {run_id} is in other hands by now.")


class ModelChanged(RunStateError):
    """A run whose model is another by now: half of its rows would come from the one, half from the other."""

    def __init__(self, model_id: str) -> None:
        super().__init__(
            f"The model '{model_id}' is another one since the files were checked: its card or checkpoint has changed. "
            "Predict the files again."
        )


class QueueFull(ForelightError):
    """More runs wait than the host allows."""


class UploadRefused(ForelightError):
    """A file that is too large, or does not come whole."""


class UploadNotFound(ForelightError):
    """No upload of that visitor's of that id."""

    def __init__(self) -> None:
        super().__init__("The file is no longer here: unused files are deleted after a day. Bring it again.")


class StoreError(ForelightError):
    """The database of runs does not answer."""


class NotWritable(ForelightError):
    """A model's folder that the server may not write to."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The folder of the model '{folder.name}' cannot be written to here ({why}), so its versions stay as they "
            "are. Let the server's user write there, or do it where the folder comes from."
        )


FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a system says where there is no room, or where no file may be so large."""


class DiskFull(ForelightError):
    """There is no room for what should be written."""

    def __init__(self) -> None:
        super().__init__("The server's disk is full. Delete runs that nobody needs, then resume or try again.")


class WorkerDied(ForelightError):
    """The process that did the work ended in the middle of it; says how."""


class DeviceLost(ForelightError):
    """A device whose context is lost: whatever this process asks of it now fails, and another process starts afresh."""


class TooMuchWork(ForelightError):
    """A file that takes more memory or time to read than the host allows; its reader is ended."""


class LoginNeeded(ForelightError):
    """Somebody who has to log in first, or to show a token."""

    def __init__(self) -> None:
        super().__init__("Log in first, or send an API token.")


class NotAllowed(ForelightError):
    """Somebody who may not do that, though what it is about may be known to them."""


class NotComparable(ForelightError):
    """Two runs that are not about the same rows, or do not predict the same kind of thing."""


class PluginError(ForelightError):
    """A task, reader or backend of another package that cannot be used."""


class NotInLake(ForelightError):
    """Nothing of that name in the folders that the host offers."""

    def __init__(self) -> None:
        super().__init__("There is no such file or folder in the lake. It may have been moved; look again.")


class LakeError(ForelightError):
    """A folder that the host offers does not answer; for visitors' eyes, so without its address."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"The folder '{folder}' of the lake does not answer. Try again later, or tell the host.")


class ObjectStoreError(ForelightError):
    """An object store that does not answer, or says no; for hosts' eyes."""

    def __init__(self, address: str, why: str) -> None:
        line = next(iter(why.strip().splitlines()), "no answer").rstrip(".")
        super().__init__(
            f"The object store at {address} cannot be used: {line}. Look whether the address is right, and which keys "
            "and endpoint the server has (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL for s3://)."
        )


class UnknownBackend(ForelightError):
    """FORELIGHT_BACKEND names none that there is."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        near = nearest(name, known)
        hint = f" Did you mean '{near}'?" if near else ""
        super().__init__(f"FORELIGHT_BACKEND: there is no '{name}'.{hint} Backends here: {', '.join(sorted(known))}.")


class ClusterError(ForelightError):
    """The cluster does not answer."""

    def __init__(self, address: str, why: str) -> None:
        line = next(iter(why.strip().splitlines()), "no answer")
        super().__init__(
            f"The Ray cluster at {address or 'this machine'} does not answer: {line} Look whether `ray status` works "
            "here and FORELIGHT_RAY_ADDRESS names its head, as in head:6379."
        )


class NodeFault(ForelightError):
    """A node of the cluster that does not see a run's rows."""

    def __init__(self, node: str) -> None:
        super().__init__(
            f"The node {node} of the cluster does not see the rows of this run. Please tell the host: nodes see the "
            "dashboard's FORELIGHT_HOME under the same path, or runs are kept on an object store (FORELIGHT_STORAGE)."
        )


class MissingPackage(ForelightError):
    """An optional package is not installed."""

    def __init__(self, what: str, package: str) -> None:
        super().__init__(f"{what} needs the package '{package}': pip install {package}")
