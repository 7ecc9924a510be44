"""What users' code takes from `bert_score.utils`: its tables, and the hash of a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import _nearsay
from .._nearsay import REPRODUCED_VERSION, VERSION

__all__ = ["get_hash", "lang2model", "model2layers", "model_types"]


class _LanguageModels(Mapping[str, str]):
    """The model for a language. An unknown code is a KeyError, and not the multilingual model."""

    def __getitem__(self, language: str) -> str:
        try:
            return _nearsay.default_model(language)
        except ValueError as error:
            raise KeyError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(_nearsay.languages())

    def __len__(self) -> int:
        return len(_nearsay.languages())


#: The model that is used for a language.
lang2model: Mapping[str, str] = _LanguageModels()
#: The layer that is used of each model.
model2layers: Mapping[str, int] = dict(_nearsay.default_layers())
#: The models whose layer is known.
model_types: list[str] = list(model2layers)


def get_hash(
    model: str,
    num_layers: int,
    idf: bool,
    rescale_with_baseline: bool,
    use_custom_baseline: bool,
    use_fast_tokenizer: bool,
) -> str:
    """A name for these settings: what tells one scorer from another, as Hugging Face evaluate does."""
    name = f"{model}_L{num_layers}{'_idf' if idf else '_no-idf'}_version={REPRODUCED_VERSION}(nearsay={VERSION})"
    if rescale_with_baseline:
        name += "-custom-rescaled" if use_custom_baseline else "-rescaled"
    return f"{name}_fast-tokenizer" if use_fast_tokenizer else name
