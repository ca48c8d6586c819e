"""Configurations and streams of VTA for the tests of `vta/`."""

from hypothesis import strategies as st

from vta import isa
from vta.config import Config, ConfigError
from vta.isa import Opcode

CONFIGS = tuple(
    Config.from_name(name)
    for name in (
        "1x16_i8w8a32_15_15_18_17",
        "2x16_i8w8a32_13_14_17_16",
        "4x16_i8w8a32_12_13_16_15",
        "1x8_i8w8a32_14_14_16_16",
        "2x8_i8w8a32_10_11_12_13",
        "4x8_i8w8a32_9_12_11_13",
        "1x32_i8w8a32_12_12_16_14",
        "2x32_i8w8a32_11_12_15_14",
    )
)
"""Batches of 1, 2 and 4, blocks of 8, 16 and 32, and other buffers than the usual ones."""


def valid(sizes):
    try:
        return Config(*sizes)
    except ConfigError:
        return None


# widths are fixed to 8, 8 and 32 bits
configs = (
    st.tuples(
        st.just(3),
        st.just(3),
        st.just(5),
        st.integers(0, 3),
        st.integers(2, 6),
        *(st.integers(8, 20) for _ in range(4)),
    )
    .map(valid)
    .filter(lambda config: config is not None)
)


@st.composite
def words(draw):
    """A configuration and a value for each field of some instruction."""
    config = draw(st.sampled_from(CONFIGS) | configs)
    opcode = draw(st.sampled_from(Opcode))
    values = {}
    for field in isa.layout(opcode, config):
        in_enumeration = field.kind not in (int, bool)
        values[field.name] = (
            draw(st.sampled_from(field.kind))
            if in_enumeration
            else draw(st.integers(field.low, field.high))
        )
    return config, isa.CLASSES[opcode](**values)
