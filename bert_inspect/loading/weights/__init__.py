"""The weights of a checkpoint: safetensors files, checked before anything is loaded, and the model that they fill."""
