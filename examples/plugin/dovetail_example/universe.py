"""What this package adds by name. Nothing in it is imported before it is used."""

from dovetail.universe import universe_of

UNIVERSE = universe_of(
    dialects={"sample": "dovetail_example.dialect:Sample"},
    passes={
        "fuse-glu": "dovetail_example.fuse_glu:FuseGluPass",
        "reverse-loop": "dovetail_example.reverse_loop:ReverseLoopPass",
    },
    targets={"sample-calls": "dovetail_example.calls:CallsTarget"},
)
