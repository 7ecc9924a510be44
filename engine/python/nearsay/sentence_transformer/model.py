"""The class `SentenceTransformer`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from .._check import whole
from .._names import with_known_names
from ..embedder import Embedder
from . import arguments, outputs, similarity
from .encode import Encoding

if TYPE_CHECKING:
    from .._types import StrPath


class SentenceTransformer(Encoding):
    """An opened model under sentence-transformers' names. Any number of threads may use it at the same time.

    Vectors are those of `sentence_transformers.SentenceTransformer` on the CPU in float32 (docs/sentence-transformers.md says
    of which version), to rounding; a text has the same bits in any batch. Arguments may be given by position in the order
    of version 5; version 6 takes them by name.

    Args:
        model_name_or_path: A folder, or a name on the Hugging Face hub, with or without its organization.
        modules: Must be None: a model is opened from its files.
        device: As of `Embedder`; None: a GPU if there is one.
        prompts: Prompts by name, in addition to those of the model's files.
        default_prompt_name: The prompt of calls that name none.
        similarity_fn_name: "cosine", "dot", "euclidean" or "manhattan". None: as the model's files say, else cosine.
        cache_folder: Where models from the hub are kept. None: as SENTENCE_TRANSFORMERS_HOME, HF_HOME and the like say.
        trust_remote_code: Accepted; model code is never run.
        revision, local_files_only: As of `Embedder`; the latter is its `offline`.
        token: A str is refused: HF_TOKEN has the token. `use_auth_token` is its older name.
        truncate_dim: Keep the first values of each vector.
        model_kwargs: `torch_dtype` or `dtype` alone, which sets the precision.
        tokenizer_kwargs: `model_max_length` alone; `processor_kwargs` is its newer name.
        config_kwargs, backend: Must be empty, and "torch".
        model_card_data: Kept as `model_card_data`, which evaluators write to.
        threads: As of `Embedder`.

    Raises:
        InputError: For an argument that cannot be followed, which it names.
    """

    #: The names of similarities.
    SUPPORTED_SIMILARITY_FN_NAMES: ClassVar[tuple[str, ...]] = tuple(similarity.SIMILARITIES)

    @with_known_names("SentenceTransformer")
    def __init__(
        self,
        model_name_or_path: StrPath | None = None,
        modules: object = None,
        device: object = None,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        similarity_fn_name: object = None,
        cache_folder: StrPath | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: object = None,
        use_auth_token: object = None,
        truncate_dim: int | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        model_card_data: Any = None,
        backend: str = "torch",
        *,
        processor_kwargs: Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> None:
        if modules is not None:
            raise arguments.cannot_follow("modules", "a model is opened from its files")
        if config_kwargs:
            raise arguments.cannot_follow("config_kwargs", "change the config.json of a copy of the model")
        if backend != "torch":
            raise arguments.cannot_follow(
                f"backend={backend!r}", "there is one engine; model_kwargs sets its precision"
            )
        arguments.check_token(token, use_auth_token)
        arguments.warn_of_remote_code(trust_remote_code)
        self._embedder = arguments.open_model(
            model_name_or_path,
            cache_folder,
            precision=arguments.precision(model_kwargs or {}),
            device="auto" if device is None else device,
            threads=threads,
            max_length=arguments.max_length(processor_kwargs or tokenizer_kwargs or {}),
            revision=revision,
            offline=True if local_files_only else None,
        )
        found = self._embedder.settings
        self.prompts: dict[str, str] = {"query": "", "document": "", **found["prompts"], **(prompts or {})}
        self.default_prompt_name: str | None = default_prompt_name or found["default_prompt_name"]
        if self.default_prompt_name is not None:
            self._prompt(self.default_prompt_name, None)
        self.truncate_dim: int | None = whole("truncate_dim", truncate_dim, 1)
        #: Where evaluators leave their metrics.
        self.model_card_data: Any = model_card_data if model_card_data is not None else outputs.ModelCardData()
        self._similarity = similarity.similarity_name(similarity_fn_name or found["similarity"] or "cosine")
        self._has_task = {}

    @property
    def similarity_fn_name(self) -> str:
        """The name of the similarity. Set to None, it is "cosine"; a member of `SimilarityFunction` is its name."""
        return self._similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: object) -> None:
        self._similarity = "cosine" if name is None else similarity.similarity_name(name)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of each vector of one set with each of another: [n, m], by `similarity_fn_name`."""
        compare = similarity.SIMILARITIES[self._similarity]
        found = compare(similarity.matrix(embeddings1), similarity.matrix(embeddings2))
        return outputs.like(found, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of each vector with that in the same place of another set: [n]."""
        left, right = similarity.matrix(embeddings1), similarity.matrix(embeddings2)
        return outputs.like(similarity.pairwise(self._similarity, left, right), embeddings1, embeddings2)

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Keeps the first values of each vector, as long as the context lasts."""
        before, self.truncate_dim = self.truncate_dim, truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    truncate_sentence_embeddings = truncate_embeddings

    def get_embedding_dimension(self) -> int:
        """Values of a vector."""
        width = self._embedder.dimensions
        return width if self.truncate_dim is None else min(width, self.truncate_dim)

    get_sentence_embedding_dimension = get_embedding_dimension

    def get_max_seq_length(self) -> int:
        """The longest text in tokens."""
        return self.max_seq_length

    def start_multi_process_pool(self, target_devices: Sequence[str] | None = None) -> dict[str, Any]:
        """A handle for `encode(pool=..)`. Threads do the work, with or without it."""
        del target_devices
        return {"input": None, "output": None, "processes": []}

    @staticmethod
    def stop_multi_process_pool(pool: dict[str, Any]) -> None:
        """Ends nothing: a pool has no processes."""
        del pool

    def encode_multi_process(
        self, sentences: Any, pool: object, prompt_name: str | None = None, prompt: str | None = None, **settings: Any
    ) -> Any:
        """`encode` with a pool, by its older name. The other arguments are those of `encode`."""
        return self.encode(sentences, prompt_name, prompt, pool=pool, **settings)

    @property
    def max_seq_length(self) -> int:
        """The longest text in tokens, special tokens included."""
        return self._embedder.max_tokens

    @max_seq_length.setter
    def max_seq_length(self, tokens: int) -> None:
        # Refused here if the model cannot read so many.
        self._embedder.count_tokens([], max_length=tokens)
        self._embedder._defaults["max_length"] = tokens

    @property
    def device(self) -> outputs.Device:
        """Where the encoder runs: a str with `type`. Tensors are made on the CPU."""
        return outputs.Device(self._embedder.device)

    @property
    def embedder(self) -> Embedder:
        """The model under this package's own names."""
        return self._embedder

    def __repr__(self) -> str:
        return f"<SentenceTransformer: {self._embedder!r}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise arguments.absent(name)
