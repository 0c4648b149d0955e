"""The sentiment classifier: fetched or trained, loaded from safetensors, and its kept scores."""
