"""What a report says of the run at its head: the sizes of the model, and what is not on the page."""

from helpers import without_values
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.render.header import size_of
from bert_inspect.render.report.page import report_html
from bert_inspect.traces.record import Sizes


def test_sizes_are_counted_and_those_that_are_not_known_left_out(traced: Trace) -> None:
    model = traced.model
    one = structs.replace(model, sizes=structs.replace(model.sizes, layers=1, heads=1))
    assert size_of(one).startswith("1 layer, 1 head, hidden 32, ") and "2 layers, 4 heads, " in size_of(model)
    assert size_of(structs.replace(model, sizes=Sizes())).split() == size_of(model).split()[-2:]


def test_without_weights_nothing_is_advised_that_would_fail(traced: Trace) -> None:
    bare = without_values(traced)
    assert "values: not recorded in this run" in report_html(bare, [])
    shapes = structs.replace(bare, model=structs.replace(bare.model, weights="none"), output=None)
    page = report_html(shapes, [])
    assert "statistics and values: without weights there are only shapes" in page
    assert "not recorded in this run" not in page
