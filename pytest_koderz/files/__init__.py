"""What several rooms need of files: YAML and JSONL with line numbers, downloads, whole writes."""
