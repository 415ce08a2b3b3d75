"""The options that every component with a network of its own shares."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from evalharness import text
from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.neural.reading import CopiedSentences
from evalharness.protocols import Checkpoint
from evalharness.records import Span

if TYPE_CHECKING:
    from evalharness.neural.network import Network

# Makes network and tokenizer of a file with weights, a backbone, the kind of numbers and attention.
LoadOnBackbone = Callable[[Path, str, weights.Dtype, str | None], tuple[Any, Any]]


@dataclass(frozen=True)
class NetworkOptions:
    """Which checkpoint scores, and how it is computed.

    model: a local folder, a name on the hub, or one of `presets`.
    revision: branch, tag or commit on the hub.
    dtype: numbers to compute in; scores in bfloat16 or float16 are others by up to some hundredths.
    attention: sdpa, eager or flash_attention_2; None leaves it to transformers.
    device: auto, cpu, cuda, cuda:N or mps.
    batch_tokens: the most tokens of a batch, padding included; auto: by device.
    """

    presets: ClassVar[Mapping[str, str]] = {}
    by_sentences: ClassVar[bool] = False  # whether scores depend on where sentences end
    least_values: ClassVar[Mapping[str, int]] = {}  # of further options, by name

    model: Checkpoint
    _: KW_ONLY
    revision: str | None = None
    dtype: weights.Dtype = "float32"
    attention: weights.Attention | None = None
    device: str = field(default="auto", compare=False)
    batch_tokens: int | Literal["auto"] = field(default="auto", compare=False)

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        weights.check_device(self.device)
        for name, least in {"batch_tokens": 1, **self.least_values}.items():
            value = getattr(self, name)
            if value not in ("auto", None) and value < least:
                raise ValueError(f"{name}: {value} is below {least}")

    @property
    def checkpoint(self) -> str:
        """Return the folder or the name on the hub; what a preset stands for."""
        return self.presets.get(self.model, self.model)

    @staticmethod
    def split(words: str) -> Sequence[Span]:
        """Return the sentences of a text; a parity test puts another splitter in its place."""
        return text.sentences(words)

    def find_copies(self, article: str, summary: str, claims: Sequence[Span]) -> dict[Span, Span]:
        """Return which claims stand in the article as they are, and where."""
        copied = CopiedSentences(article, self.split(article))
        places = {span: copied.place(span.of(summary)) for span in claims}
        return {span: place for span, place in places.items() if place is not None}

    def identity(self) -> Mapping[str, str]:
        """Return the commit on the hub, or the hash of the folder; and which sentence splitter."""
        found = weights.checkpoint_identity(self.checkpoint, self.revision)
        splitter = {"sentences": str(text.SENTENCES_VERSION)} if self.by_sentences else {}
        return {**found, **splitter}

    def shape(self) -> Mapping[str, Any]:
        """Return what the checkpoint's `config.json` says. Raises: ModelError."""
        path = weights.file(self.checkpoint, "config.json", self.revision)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{path}: no JSON: {error}") from error
        return found if isinstance(found, dict) else {}

    def network(self, auto_class: str, *, lacks: tuple[str, ...] = ()) -> "Network":
        """Return the checkpoint, loaded as a class of transformers. Raises: ModelError.

        lacks: starts of the names of weights that the checkpoint may be without.
        """
        from evalharness.neural.network import Network

        request = weights.Request(
            auto_class,
            self.checkpoint,
            self.revision,
            dtype=self.dtype,
            attention=self.attention,
            device=self.device,
            lacks=lacks,
        )
        return Network(weights.load_checkpoint(request), self.batch_tokens)

    def network_of_two_labels(self, auto_class: str, theirs: str) -> "Network":
        """Return a classifier; `theirs` are those that have two labels. Raises: ModelError."""
        network = self.network(auto_class)
        n = network.model.config.num_labels
        if n != 2:
            raise ModelError(f"{self.checkpoint}: {n} labels, where {theirs} 2")
        return network

    def network_on_backbone(self, load: LoadOnBackbone, file: str, backbone: str) -> "Network":
        """Return a network of its own class: what `load` makes of a file of the checkpoint.

        Raises: ModelError.
        """
        from evalharness.neural.network import Network

        path = weights.file(self.checkpoint, file, self.revision)
        model, tokenizer = load(path, backbone, self.dtype, self.attention)
        device = weights.place(self.device)
        return Network(weights.Loaded(model.to(device), tokenizer, device), self.batch_tokens)
