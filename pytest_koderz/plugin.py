"""The pytest plugin: options, and one object that is registered only with --koderz."""
