"""Outside tools that show runs: MLflow, Weights & Biases, trackio, TensorBoard."""
