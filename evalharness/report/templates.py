"""Templates once compiled, kept as Python keeps modules: to compile those of a page takes .1 s."""

import os
import pickle
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

import jinja2  # noqa: TID253  this module is imported with the first template
from jinja2.bccache import Bucket  # noqa: TID253


class CompiledTemplates(jinja2.BytecodeCache):
    """What templates were compiled to, in the folders that hold what modules were compiled to.

    Whoever may write there can change our modules as well. As with these, none is written where
    Python is told not to, or where the folder may not be written to.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the file that keeps a template."""
        return cache_from_source(filename or name)

    def get_source_checksum(self, source: str) -> str:
        """Return what a template was compiled from, and by which version of the compiler."""
        return super().get_source_checksum(f"{jinja2.__version__}\n{source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a template, if it is there, and of this source."""
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            bucket.bytecode_from_string(Path(bucket.key).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template: whole, or not at all."""
        if sys.dont_write_bytecode:
            return
        path = Path(bucket.key)
        writing = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                writing.write_bytes(bucket.bytecode_to_string())
                writing.replace(path)
            finally:
                writing.unlink(missing_ok=True)
