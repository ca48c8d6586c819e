from dovetail.opt import pipeline_text


def test_white_space_in_pipelines():
    assert pipeline_text('a,\n  b{x=1  y="p q"}, c ') == 'a,b{x=1 y="p q"},c'
