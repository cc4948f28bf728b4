"""The whole trace on a full screen. This room knows no torch: what asks the model is handed to it as functions."""
