"""Write a RoBERTa of the usual size with random weights, to measure speed with.

    python benchmarks/random_roberta.py DIR

The directory has the files of cardiffnlp's classifiers: ``config.json``, ``model.safetensors``,
``vocab.json``, ``merges.txt`` and ``special_tokens_map.json``; the vocabulary is learnt from
the bundled sample and filled up to the usual size. What it says of a text means nothing, what
it takes to say it is that of the real one. Needs the extra ``train``.
"""

import argparse
import json
from importlib import resources
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import RobertaConfig, RobertaForSequenceClassification

VOCABULARY = 50_265
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
LABELS = ("negative", "neutral", "positive")


def main() -> None:
    """Write the checkpoint."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=2022)
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    write_tokenizer(arguments.directory)
    write_model(arguments.directory, arguments.seed)


def write_tokenizer(directory: Path) -> None:
    """A byte-level BPE; what the sample is too short for is filled up with unused tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL[:-1]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample_texts(), trainer)
    tokenizer.model.save(str(directory))
    file = directory / "vocab.json"
    vocabulary = json.loads(file.read_text("utf-8"))
    unused = range(VOCABULARY - 1 - len(vocabulary))
    vocabulary |= {f"unused{i:05}": len(vocabulary) + i for i in unused}
    vocabulary[SPECIAL[-1]] = VOCABULARY - 1  # <mask> is RoBERTa's last
    file.write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    start, pad, end, unknown, mask = SPECIAL
    tokens = {"bos_token": start, "cls_token": start, "eos_token": end, "sep_token": end}
    tokens |= {"pad_token": pad, "unk_token": unknown, "mask_token": mask}
    (directory / "special_tokens_map.json").write_text(json.dumps(tokens))


def sample_texts() -> list[str]:
    """The texts of the bundled sample."""
    lines = (resources.files("sentiserve") / "data" / "sample.jsonl").read_text("utf-8")
    return [json.loads(line)["text"] for line in lines.splitlines()]


def write_model(directory: Path, seed: int) -> None:
    """125 million random weights."""
    torch.manual_seed(seed)
    config = RobertaConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=514,
        type_vocab_size=1,
        id2label=dict(enumerate(LABELS)),
    )
    RobertaForSequenceClassification(config).save_pretrained(directory)


if __name__ == "__main__":
    main()
