"""Configurations of VTA: the published table, names, files, and each rule that can be broken."""

import pytest

from vta.config import Config, ConfigError


def test_the_default_has_the_published_sizes():
    config = Config()
    assert config.name == "1x16_i8w8a32_15_15_18_17"
    table = [(m.name, m.element_bytes, m.depth, m.index_bits) for m in config.memories]
    assert table == [
        ("uop", 4, 8192, 13),
        ("inp", 16, 2048, 11),
        ("wgt", 256, 1024, 10),
        ("acc", 64, 2048, 11),
        ("out", 16, 2048, 11),
    ]


def test_a_smaller_block_needs_smaller_buffers():
    config = Config.from_name("1x8_i8w8a32_14_14_16_16")
    assert (config.batch, config.block) == (1, 8)
    assert [m.depth for m in config.memories] == [4096, 2048, 1024, 2048, 2048]


@pytest.mark.parametrize("name", ["1x16_i8w8a32_15_15_18_17", "2x16_i8w8a32_13_12_16_15"])
def test_names_and_files_read_back(name):
    config = Config.from_name(name)
    assert config.name == name
    assert Config.from_json(config.to_json()) == config


def test_a_file_may_say_more_and_less():
    text = '{"TARGET": "sim", "HW_VER": "0.0.1", "LOG_BATCH": 1, "LOG_ACC_BUFF_SIZE": 16}'
    assert Config.from_json(text) == Config(log_batch=1, log_acc_buff_size=16)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"log_block": 3}, "needs 12 + 12 + 12 = 36 bits; it has 32"),
        ({"log_uop_buff_size": 16}, "a micro-op index needs 14 bits; it has 13"),
        (
            {"log_acc_buff_size": 18, "log_wgt_buff_size": 12, "log_inp_buff_size": 8},
            "the second word of an ALU instruction needs 4 * 12 + 20 = 68 bits; it has 64",
        ),
        (
            {"log_acc_buff_size": 14, "log_inp_buff_size": 16, "log_wgt_buff_size": 21},
            "needs 8 + 12 + 13 = 33 bits; it has 32",
        ),
        (
            {"log_acc_buff_size": 16, "log_inp_buff_size": 14, "log_wgt_buff_size": 22},
            "needs 10 + 10 + 14 = 34 bits",
        ),
        ({"log_block": 7, "log_wgt_buff_size": 24}, "an element of wgt has 16384 bytes"),
        ({"log_wgt_buff_size": 7}, "the wgt buffer is smaller than its element of 256 bytes"),
        ({"log_inp_width": 2}, "inp elements have 8 bits, not 4"),
        ({"log_acc_width": 4}, "accumulators have 32 bits, not 16"),
        ({"log_batch": -1}, "log_batch is -1, below 0"),
    ],
)
def test_what_no_hardware_can_be(fields, text):
    with pytest.raises(ConfigError) as caught:
        Config(**fields)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the vta configuration is no JSON"),
        ("[]", "a vta configuration is a JSON object"),
        ('{"LOG_BLOK": 4}', "has no field LOG_BLOK; there are LOG_INP_WIDTH"),
        ('{"LOG_BLOCK": "4"}', "LOG_BLOCK is '4', not an integer"),
    ],
)
def test_files_that_are_wrong(text, message):
    with pytest.raises(ConfigError) as caught:
        Config.from_json(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["1x16", "1x12_i8w8a32_15_15_18_17"])
def test_names_that_are_wrong(name):
    with pytest.raises(ConfigError, match=r"no (vta configuration|power of two)"):
        Config.from_name(name)
