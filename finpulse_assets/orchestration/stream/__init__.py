"""The stream: what a worker does with a batch of messages, from the lake to the signal."""
