class Command:
    args: list[str]
    redirects: list[tuple[tuple[str] | tuple[str, int], str]]

class Pipeline:
    commands: list[Command]
