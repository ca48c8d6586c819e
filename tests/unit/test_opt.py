from dovetail.opt import pipeline_text, run


def test_white_space_in_pipelines():
    assert pipeline_text('a,\n  b{x=1  y="p q"}, c ') == 'a,b{x=1 y="p q"},c'


MODULE = "func.func @f() {\n  func.return\n}\n"


def test_the_output_may_be_the_input(tmp_path):
    path = tmp_path / "a.mlir"
    path.write_text(MODULE)
    assert run([str(path), "-o", str(path)]) == 0
    assert "func.func @f()" in path.read_text()


def test_a_failed_run_leaves_the_output_as_it_was(tmp_path, capsys):
    source, output = tmp_path / "a.mlir", tmp_path / "b.mlir"
    source.write_text(MODULE)
    output.write_text("kept")
    assert run([str(source), "-p", "split-loop{loop=x factor=2}", "-o", str(output)]) == 1
    assert output.read_text() == "kept"
    assert run([str(source), "-o", str(tmp_path / "none" / "b.mlir")]) == 1
    assert "error: cannot write" in capsys.readouterr().err
