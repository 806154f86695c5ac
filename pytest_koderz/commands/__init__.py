"""What prints and exits, as pytest's --cache-show does."""
