"""From what is to be edited to the tensors that go on changed: where they are made, and what becomes of them."""
