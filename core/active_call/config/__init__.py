"""Settings of the process: where they come from, what they mean, and what is wrong with them.

`load.load` is the way in; `flags` is light enough for `--help`.
"""
