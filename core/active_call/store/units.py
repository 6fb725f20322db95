"""Sizes as people read them."""


def human_size(size: int) -> str:
    """Bytes in decimal units, as disks and download pages count: `141.2 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
