"""The elasticsearch client without its forty namespaces, each of which is imported at its first use.

`elasticsearch` imports the class behind every attribute of a client (`client.ml`, `client.watcher`, ...), and all of it twice,
since the asynchronous package needs two functions of the synchronous one: a quarter of a second of CPU on a busy machine, for
eighty modules of which we ask one. So while the package is imported, a finder puts a stand-in into each of these modules:
a class of the same name that is made with a client as the real one is, and becomes it when anything is asked of it. Nothing
is left out, and code that knows nothing of this works as before, the first question to a namespace apart, which waits some
milliseconds for its import. The namespace that is asked at every start, `INDICES`, is imported with the package, off the loop.

What must not be done here: replace a module that has been imported already, or one that is more than a namespace.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

INDICES = "elasticsearch._async.client.indices"
_NAMESPACE = re.compile(r"elasticsearch\._(?:async|sync)\.client\.(?!utils$)[a-z]\w*")


@contextmanager
def at_first_use() -> Iterator[None]:
    """Inside, an import of `elasticsearch` leaves its namespaces for later. For one thread at a time."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == INDICES or _NAMESPACE.fullmatch(fullname) is None:
            return None
        real = PathFinder.find_spec(fullname, path, target)
        return ModuleSpec(fullname, _Later(real), origin=real.origin) if real is not None else None


class _Later(Loader):
    """Executes a module by promising what it holds."""

    def __init__(self, real: ModuleSpec) -> None:
        self._real = real

    def exec_module(self, module: ModuleType) -> None:
        def promised(name: str) -> type[_StandIn]:
            if name.startswith("_"):  # the import system looks for __path__ and the like
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            made = type(name, (_StandIn,), {"_spec": self._real, "__doc__": f"{name}, before its import."})
            setattr(module, name, made)
            return made

        module.__getattr__ = promised  # type: ignore[method-assign]


class _StandIn:
    """One namespace of one client. Its class is imported when anything is asked of it."""

    _spec: ModuleSpec

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_client":
            raise AttributeError(name)
        kind = getattr(_imported(self._spec), type(self).__name__)
        vars(self).update(vars(kind(self._client)))
        self.__class__ = kind
        return getattr(self, name)


def _imported(spec: ModuleSpec) -> ModuleType:
    """The real module, in the place of the one that promised it."""
    module = sys.modules.get(spec.name)
    if module is None or module.__spec__ is not spec:
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[spec.name] = module
    return module
