"""Text to token numbers: byte-pair encoding and whole words, by Hugging Face's tokenizers."""

from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, BEGIN, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = ["<pad>", "<begin>", "<end>", "<unknown>"]


def fit_bpe(texts: Sequence[str], vocabulary: int, *, lowercase: bool = False) -> Tokenizer:
    """Learn byte-pair merges (Sennrich et al. 2016, arXiv 1508.07909) until there are ``vocabulary`` tokens.

    Spaces travel inside the tokens, so that decoding gives the text back.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = _normalizer(lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def fit_words(texts: Sequence[str], vocabulary: int, *, lowercase: bool = True) -> Tokenizer:
    """Take the ``vocabulary`` most frequent words; others are unknown. Markup's tags count as spaces."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex("<[^>]{1,20}>"), " "), _normalizer(lowercase)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=vocabulary, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _normalizer(lowercase: bool) -> normalizers.Normalizer:
    steps = [normalizers.NFC(), *([normalizers.Lowercase()] if lowercase else [])]
    return normalizers.Sequence(steps)


def tokenizer_bytes(tokenizer: Tokenizer) -> bytes:
    """Return the tokenizer as the JSON that the library reads."""
    return str(tokenizer.to_str()).encode()


def read_tokenizer(content: bytes) -> Tokenizer:
    """Return the tokenizer that ``tokenizer_bytes`` wrote."""
    return Tokenizer.from_str(content.decode())


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Return each text's token numbers, the first ``max_tokens``; a text without any is one unknown."""
    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [each.ids[:max_tokens] or [UNKNOWN] for each in encoded]
