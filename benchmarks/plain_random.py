"""The script one would have written: draw bert-base at random, run the plain forward, print the logits."""

import sys

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, set_seed

set_seed(123)
model = BertForSequenceClassification(BertConfig(vocab_size=28996)).eval()
with open(sys.argv[1], encoding="utf-8") as vocabulary:  # noqa: PTH123
    words = vocabulary.read().splitlines()
tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)}, do_lower_case=False)
batch = tokenizer(["I love cats!", "He hates pineapple pizza."], padding=True, return_tensors="pt")
with torch.inference_mode():
    print(model(**batch).logits)
