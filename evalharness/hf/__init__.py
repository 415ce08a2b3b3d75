"""Weights and tokenizers of Hugging Face checkpoints, what the hub holds, and prompts."""
