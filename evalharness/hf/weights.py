"""The one place that loads tokenizers and weights, resolves revisions and places devices.

Weights only as safetensors, remote code only where the config names it, and a checkpoint whose
weights do not all fit is refused: transformers would load pickles, ask on the terminal, and fill
what is missing with random numbers. torch and transformers are imported inside the functions, so
that a signature can be made without them.
"""

import contextlib
import gc
import hashlib
import importlib.util
import io
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evalharness.errors import MissingExtra, ModelError
from evalharness.hf import gguf, quantized
from evalharness.hf.hub import TOKENIZER, ToFetch, commit_of, lacks, to_fetch

if TYPE_CHECKING:
    import torch

__all__ = [
    "Attention",
    "Dtype",
    "Loaded",
    "Request",
    "ToFetch",
    "check_device",
    "check_device_map",
    "checkpoint_identity",
    "content_hash",
    "file",
    "load_checkpoint",
    "out_of_memory",
    "place",
    "quiet",
    "to_fetch",
]

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Attention = Literal["sdpa", "eager", "flash_attention_2"]

# What loading a checkpoint never reads: words about it, weights of other formats, what a training
# left; and folders of caches, of exports to other formats, of a training's steps, and of results.
_UNREAD = (
    *("*.md", "*.onnx", "*.onnx_data", "*.gguf", "*.ot", "*.tflite", "*.h5", "*.msgpack"),
    *("pytorch_model*.bin", "adapter_model.bin", "training_args.bin", "trainer_state.json"),
    *("*.pt", "*.pth", "*.ckpt", "*.pyc", "*.lock", "*.tmp"),
)
_UNREAD_FOLDERS = (
    *("__pycache__", "checkpoint-*", "global_step*", "onnx", "openvino", "coreml", "original"),
    *("results", "runs", "logs", "wandb", "mlruns"),
)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
# How transformers says that neither hub nor cache has a file.
_UNREACHED = ("couldn't connect", "offline", "cached files", "local cache", "Can't load")
_ADAPTER_CONFIG, _ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def checkpoint_identity(checkpoint: str, revision: str | None = None) -> dict[str, str]:
    """Return what names a checkpoint's content: the hash of a folder, or the commit on the hub;
    of a GGUF, how it is quantized, too.

    Needs no torch. A commit is the one that would be loaded: the hub's where it can be reached,
    else the cached one. Raises: ModelError where there is no such folder, or a name on the hub
    that can neither be reached nor is cached.
    """
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise ModelError(f"revision {revision!r}: {checkpoint} is a folder, which has none")
        return {"sha256": _folder_hash(str(folder.resolve()))}
    if gguf.is_gguf(checkpoint):
        if not folder.is_file():
            raise ModelError(f"no file {checkpoint!r}; a GGUF on the hub is downloaded first")
        return {"sha256": content_hash(folder), "quantization": gguf.quantization(folder)}
    if checkpoint.startswith((".", "/", "~")):
        raise ModelError(f"no folder {checkpoint!r}")
    return {"revision": commit_of(checkpoint, revision)}


def _folder_hash(folder: str) -> str:
    root = Path(folder)
    whole = hashlib.sha256()
    for file in sorted(_read_files(root)):
        state = file.stat()
        digest = _file_hash(str(file), state.st_size, state.st_mtime_ns)
        whole.update(f"{file.relative_to(root).as_posix()}\0{digest}\n".encode())
    return whole.hexdigest()[:32]


def _read_files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the files that loading may read, subfolders' too; links may lead in circles."""
    above |= {folder.resolve()}
    for path in folder.iterdir():
        unread = _UNREAD_FOLDERS if path.is_dir() else _UNREAD
        if path.name.startswith(".") or any(fnmatch(path.name, pattern) for pattern in unread):
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and path.resolve() not in above:
            yield from _read_files(path, above)


def content_hash(file: Path) -> str:
    """Return what names a file's content: a hash, made once while the file stays as it is."""
    state = file.stat()
    return _file_hash(str(file), state.st_size, state.st_mtime_ns)[:32]


@lru_cache(maxsize=4096)
def _file_hash(file: str, size: int, changed: int) -> str:
    """Return the hash of a file; size and time of change are there so that it is hashed once."""
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file(checkpoint: str, name: str, revision: str | None = None) -> Path:
    """Return a file of a folder or of a repository on the hub, which is fetched if it must be.

    Raises: ModelError where there is none.
    """
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: no file {name!r}")
        return folder / name
    commit = checkpoint_identity(checkpoint, revision)["revision"]
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(checkpoint, name, revision=commit))
    except Exception as error:  # no such file, no network, no permission, in their many forms
        raise ModelError(
            f"{checkpoint} on the hub: no file {name!r} ({_first_line(str(error))}); where there "
            f"is network: hf download {checkpoint} {name}"
        ) from error


def check_device(device: str) -> None:
    """Raise ValueError for a device of no known form."""
    if not _DEVICE.fullmatch(device):
        raise ValueError(f"device: {device!r} is none of auto, cpu, cuda, cuda:N, mps")


def check_device_map(device_map: str | None, device: str) -> None:
    """Raise ValueError for a device map of no known form, or beside a device."""
    if device_map is None:
        return
    if device_map not in _DEVICE_MAPS:
        raise ValueError(f"device_map: {device_map!r} is none of {', '.join(_DEVICE_MAPS)}")
    if device != "auto":
        raise ValueError(f"device_map: spreads the model over devices; device: {device} is one")


def place(device: str) -> "torch.device":
    """Return the device to compute on. Raises: ModelError where this machine has no such."""
    import torch

    n = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if n else "mps" if mps else "cpu")
    asked = torch.device(device)
    if asked.type == "cuda" and (asked.index or 0) >= n:
        raise ModelError(f"device: {device} was asked for, and torch sees {n} CUDA devices here")
    if asked.type == "mps" and not mps:
        raise ModelError("device: mps was asked for, and torch sees none here")
    return asked


@dataclass(frozen=True)
class Loaded:
    """A model ready to run, in evaluation mode and on its device, and its tokenizer.

    adapter: the name under which the model has its adapter; several may share the model.
    quantization: how its weights are quantized, if they are; a GGUF's never are.
    """

    model: Any
    tokenizer: Any
    device: "torch.device"
    adapter: str = ""
    quantization: str = ""

    def activate(self) -> None:
        """Have the model compute with this adapter; to be called before each use."""
        if self.adapter:
            self.model.set_adapter(self.adapter)


@dataclass(frozen=True)
class Request:
    """What to load and how: everything that makes one loaded model differ from another.

    lacks: starts of the names of weights that a checkpoint may be without, as nothing reads them.
    adapter: weights of PEFT for it, a folder or a name on the hub.
    """

    auto_class: str
    checkpoint: str
    revision: str | None = None
    dtype: Dtype = "auto"
    attention: Attention | None = None
    device: str = "auto"
    device_map: str | None = None
    remote_code: bool = False
    quantization: quantized.Quantization | None = None
    lacks: tuple[str, ...] = ()
    adapter: str | None = None


_latest: dict[tuple[Request, str, bool], Loaded] = {}
_loading = threading.Lock()


def load_checkpoint(request: Request) -> Loaded:
    """Return the model and tokenizer of a checkpoint; the latest one asked for is kept.

    Cells of a sweep that share weights thus load them once; what is kept makes room before
    another is loaded. Adapters share a base, which nothing else does: they stay in it. Raises:
    ModelError, or MissingExtra for `device_map` without accelerate, `adapter` without peft.
    """
    with _loading:
        base, adapter = replace(request, adapter=None), request.adapter
        name = "".join(checkpoint_identity(base.checkpoint, base.revision).values())
        key = (base, name, adapter is not None)
        if adapter is not None:
            _check_adapter(adapter)
        if key not in _latest:
            if _latest:
                _latest.clear()
                gc.collect()  # a model and its tokenizers refer to each other
            _latest[key] = _load(base, name)
        return _latest[key] if adapter is None else _with_adapter(_latest[key], request, adapter)


def _check_adapter(adapter: str) -> None:
    """Refuse early what cannot be loaded, or could run code as it is. Raises: MissingExtra, too."""
    folder = Path(adapter).expanduser()
    if folder.is_dir():
        _check_adapter_folder(folder)
    if not all(importlib.util.find_spec(package) for package in ("peft", "accelerate")):
        raise MissingExtra("adapter", "peft")


def _check_adapter_folder(folder: Path) -> None:
    if not (folder / _ADAPTER_CONFIG).is_file():
        raise ModelError(f"{folder}: no {_ADAPTER_CONFIG}, so no adapter of PEFT")
    if not (folder / _ADAPTER_WEIGHTS).is_file():
        pickles = sorted(file.name for file in folder.glob("adapter_model.*"))
        why = (
            _only_pickle(str(folder), pickles[0]) if pickles else f"{folder}: no {_ADAPTER_WEIGHTS}"
        )
        raise ModelError(why)


def _with_adapter(base: Loaded, request: Request, adapter: str) -> Loaded:
    """Return the base with an adapter, which is loaded into it unless it is there already."""
    content = "".join(checkpoint_identity(adapter).values())
    name = f"adapter_{content}"
    if name not in getattr(base.model, "peft_config", {}):
        where = file(adapter, _ADAPTER_WEIGHTS).parent
        file(adapter, _ADAPTER_CONFIG)
        with quiet(), _one_line(replace(request, checkpoint=adapter), content):
            report = base.model.load_adapter(str(where), adapter_name=name)
        base.model.eval()
        missing = {key for key in report.missing_keys if name in key}  # not other adapters' keys
        lost = missing | {*report.unexpected_keys, *map(str, report.mismatched_keys)}
        if lost:
            base.model.delete_adapter(name)
            raise ModelError(
                f"{adapter}: is no adapter for {request.checkpoint}: {_few(sorted(lost))}"
            )
    return replace(base, adapter=name)


def _load(request: Request, content: str) -> Loaded:
    if request.device_map is not None and importlib.util.find_spec("accelerate") is None:
        raise MissingExtra("device_map", "accelerate")
    device = place(request.device)
    checkpoint = request.checkpoint
    folder = Path(checkpoint).expanduser()
    where: dict[str, Any] = {"trust_remote_code": request.remote_code}
    dtype = request.dtype
    if gguf.is_gguf(checkpoint):
        _check_gguf(checkpoint)
        where |= {"gguf_file": folder.name, "trust_remote_code": False}
        # A quantized file says nothing of numbers to compute in.
        checkpoint, dtype = str(folder.parent), "float32" if dtype == "auto" else dtype
    elif folder.is_dir():
        checkpoint = str(folder)
        _check_folder(folder)
    else:
        where["revision"] = content  # the commit: what is named is what is loaded
        _check_cache(checkpoint, content)
    is_gguf = "gguf_file" in where
    # It draws bars whatever it is told.
    hidden = contextlib.redirect_stderr(io.StringIO()) if is_gguf else contextlib.nullcontext()
    with quiet(), hidden, _one_line(request, content):
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint, **where)
        config = transformers.AutoConfig.from_pretrained(checkpoint, **where)
        _check_kind(request, config)
        made, spread = _quantization(request, config, dtype, device)
        model, report = getattr(transformers, request.auto_class).from_pretrained(
            checkpoint,
            dtype=dtype,
            attn_implementation=request.attention,
            device_map=spread,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # so that the report names them all, and we refuse
            output_loading_info=True,
            **where | made,
        )
    _check_report(request, report)
    if spread is None:
        model.to(device)
    kept = "" if is_gguf else quantized.computed_as(model, config, request.quantization)
    return Loaded(model.eval(), tokenizer, model.device, quantization=kept)


def _quantization(
    request: Request, config: Any, dtype: str, device: "torch.device"
) -> tuple[dict[str, Any], Any]:
    """Return what makes or reads quantized weights, and where they go; these are never moved."""
    name = request.checkpoint
    folder = Path(name).expanduser()
    if gguf.is_gguf(name):
        return {}, request.device_map
    made = quantized.loading_options(request.quantization, config, name, dtype)
    if quantized.stored_method(config) is not None:
        if not folder.is_dir():
            folder = file(name, "config.json", request.revision).parent
        quantized.check_stored(config, folder, name)
    elif not made:
        return {}, request.device_map
    return made, request.device_map or {"": device}


def _check_kind(request: Request, config: Any) -> None:
    """Refuse an encoder-decoder as a causal model: transformers would fill in random weights."""
    if request.auto_class == "AutoModelForCausalLM" and config.is_encoder_decoder:
        raise ModelError(f"{request.checkpoint} is an encoder-decoder: use the model `seq2seq`")
    if request.auto_class == "AutoModelForSeq2SeqLM" and not config.is_encoder_decoder:
        raise ModelError(f"{request.checkpoint} is no encoder-decoder: use the model `causal`")


def _check_folder(folder: Path) -> None:
    """Refuse early what transformers would answer with a puzzle, or not at all."""
    files = sorted(path.name for path in folder.glob(f"*{gguf.ENDING}"))
    if files and not any(True for _ in folder.glob("*.safetensors")):
        raise ModelError(f"{folder}: has its weights as GGUF only; name the file: {files[0]}")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no config.json, so no checkpoint of transformers")
    if not any(True for _ in folder.glob("*.safetensors")):
        pickles = sorted(f.name for pattern in _PICKLES for f in folder.glob(pattern))
        if pickles:
            raise ModelError(_only_pickle(str(folder), pickles[0]))
        raise ModelError(f"{folder}: no weights (*.safetensors)")
    if not any(True for pattern in TOKENIZER for _ in folder.glob(pattern)):
        raise ModelError(f"{folder}: no tokenizer files (tokenizer.json)")


def _check_gguf(checkpoint: str) -> None:
    """Raise MissingExtra where transformers would ask for what reads a GGUF."""
    if not all(importlib.util.find_spec(package) for package in ("gguf", "accelerate")):
        raise MissingExtra(f"{Path(checkpoint).name}, a GGUF,", "gguf")


def _check_cache(name: str, commit: str) -> None:
    """Refuse early what is not all there, offline: transformers would make an empty tokenizer."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE and (why := lacks(name, commit)):
        raise ModelError(why)


def _only_pickle(checkpoint: str, file: str) -> str:
    return (
        f"{checkpoint}: only pickle weights ({file}), which can run code as they load; convert to "
        "safetensors once (transformers: from_pretrained, then save_pretrained), or name a "
        "revision that has them"
    )


def _check_report(request: Request, report: Mapping[str, Any]) -> None:
    """Refuse a model of which some weights came from no file, or did not fit."""
    checkpoint = request.checkpoint
    missing = sorted(k for k in map(str, report["missing_keys"]) if not k.startswith(request.lacks))
    if missing:
        raise ModelError(f"{checkpoint}: the weights lack {_few(missing)}")
    mismatched = sorted(
        str(key[0] if isinstance(key, tuple) else key) for key in report["mismatched_keys"]
    )
    if mismatched:
        raise ModelError(
            f"{checkpoint}: the weights have other shapes than config.json says: {_few(mismatched)}"
        )
    if report.get("error_msgs"):
        raise ModelError(f"{checkpoint}: {_first_line(str(report['error_msgs'][0]))}")


def _few(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


@contextlib.contextmanager
def _one_line(request: Request, commit: str) -> Iterator[None]:
    """Turn what transformers raises as it loads into one line that says what to do."""
    try:
        yield
    except ModelError:
        raise
    except ImportError as error:
        raise ModelError(f"{request.checkpoint}: {_first_line(str(error))}") from error
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ModelError(_explain_load_error(request, commit, str(error))) from error
    except Exception as error:
        if type(error).__module__.startswith(("safetensors", "tokenizers", "huggingface_hub")):
            raise ModelError(f"{request.checkpoint}: {_first_line(str(error))}") from error
        raise


def _explain_load_error(request: Request, commit: str, message: str) -> str:
    name = request.checkpoint
    from_hub = not Path(name).expanduser().is_dir()
    if from_hub and any(sign in message for sign in _UNREACHED) and (why := lacks(name, commit)):
        return why
    if "trust_remote_code" in message:
        return f"{name} brings Python code of its own; to run it, set remote_code: true"
    if "cannot be loaded with `safetensors`" in message:
        return _only_pickle(name, "pytorch_model.bin")
    if "Unrecognized configuration class" in message:
        kind = request.auto_class.removeprefix("AutoModelFor")
        return f"{name} is no model of this kind ({kind}): {_first_line(message)}"
    return f"{name}: {_first_line(message)}"


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"


def out_of_memory(error: BaseException) -> bool:
    """Return whether an exception is one of the many forms of too little memory."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    message = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, RuntimeError) and any(sign in message for sign in signs)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what transformers prints beside its result; as it was, afterwards."""
    from transformers.utils import logging as untyped

    logging: Any = untyped

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    speaks = verbosity != logging.ERROR  # to set it takes 2 ms: every logger forgets what it knew
    if speaks:
        logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if speaks:
            logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
