"""The script one would have written: load a checkpoint, tokenize, run the plain forward, print the logits."""

import sys

import torch
from transformers import BertForSequenceClassification, BertTokenizer

folder, count, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
texts = ["I love cats!", "He hates pineapple pizza."] if words == 0 else ["cats " * words] * count
model = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
tokenizer = BertTokenizer.from_pretrained(folder)
batch = tokenizer(texts, padding=True, return_tensors="pt")
with torch.inference_mode():
    print(model.eval()(**batch).logits)
